import Domain

/// Everything that a create call will write, made before its transaction begins.
struct CreateDatabasePlan {
    let service: Service
    let deployment: NewDeployment?
    let entries: [ConfigEntryDraft]
    let connection: ConnectionParts

    init(
        _ request: CreateDatabaseRequest, _ checked: CreateDatabaseChecker.Checked, _ grant: Grant,
        at now: Timestamp
    ) throws {
        guard let projectID = grant.projectID, let environmentID = grant.environmentID else {
            throw Problem(
                .internalFault, "the request could not be planned",
                privateContext: "a grant for an environment lacks its project")
        }
        let template = checked.template
        let service = Service(
            id: ServiceID.new(at: now), workspaceID: grant.workspaceID, projectID: projectID,
            environmentID: environmentID, name: request.name, slug: checked.slug, kind: .database,
            source: .template(template.id), image: template.image, port: template.port,
            visibility: .private, serverID: checked.serverID, createdAt: now, updatedAt: now,
            deletedAt: nil)
        self.service = service
        // A deployment was asked for with a server, or the check would have refused it.
        let target = request.deployNow ? checked.serverID : nil
        deployment = target.map { serverID in
            NewDeployment(
                id: DeploymentID.new(at: now), serviceID: service.id, environmentID: environmentID,
                workspaceID: grant.workspaceID, serverID: serverID, image: service.image,
                trigger: .create, at: now)
        }
        let credentials = checked.credentials
        entries = [
            ConfigEntryDraft(key: template.keys.username, value: .variable(credentials.username)),
            ConfigEntryDraft(
                key: template.keys.databaseName, value: .variable(credentials.databaseName)),
            ConfigEntryDraft(key: template.keys.password, value: .secret(credentials.password)),
        ]
        connection = ConnectionParts(
            scheme: template.uriScheme, host: checked.slug.description, port: template.port,
            databaseName: credentials.databaseName, username: credentials.username,
            password: credentials.password)
    }
}
