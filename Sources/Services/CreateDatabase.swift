public import Domain
import PostgresClient

/// What a caller asks for, as it came: ids unparsed, texts unchecked.
public struct CreateDatabaseRequest: Sendable {
    /// Where the service shall live.
    public var environmentID: String
    /// The service's name, which makes its slug.
    public var name: String
    /// A template of the catalogue.
    public var templateID: String
    /// Where it shall run; required to deploy now.
    public var serverID: String
    /// Whether to queue a deployment at once.
    public var deployNow: Bool
    /// The caller's own id of the request; may be empty.
    public var requestID: String
    /// The database's name; blank for the template's.
    public var databaseName: String
    /// The user's name; blank for the template's.
    public var username: String
    /// The password; blank to have one generated.
    public var password: SecretText

    /// Makes a request.
    public init(
        environmentID: String, name: String, templateID: String, serverID: String = "",
        deployNow: Bool = false, requestID: String = "", databaseName: String = "",
        username: String = "", password: SecretText = SecretText("")
    ) {
        self.environmentID = environmentID
        self.name = name
        self.templateID = templateID
        self.serverID = serverID
        self.deployNow = deployNow
        self.requestID = requestID
        self.databaseName = databaseName
        self.username = username
        self.password = password
    }
}

/// What a create call made.
public struct CreatedDatabase: Hashable, Sendable {
    /// The service and its state.
    public let status: ServiceStatus
    /// The first deployment; `nil` when none was asked for.
    public let deploymentID: DeploymentID?
    /// How its siblings reach it.
    public let connectionURI: SecretText
}

/// Provisions a private database service: row, credentials, first deployment and audit event in one
/// transaction, or nothing.
public struct CreateDatabase {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let store: any ServiceStore
    let config: any ConfigSetter
    let deployments: any DeploymentEnqueuer
    let audit: any AuditRecorder
    let catalogue: DatabaseCatalogue
    let passwords: any PasswordGenerator
    let clock: any WallClock

    /// The bytes that a service's name may have.
    public static let nameLengthMax = 128
    /// The bytes that a request id may have.
    public static let requestIDLengthMax = 128

    /// Authorizes, checks every field, then writes.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `notFound`, `permissionDenied`,
    ///   `invalidArgument` with every violation, `alreadyExists` for a taken name.
    public func callAsFunction(
        _ request: CreateDatabaseRequest, caller: CallerContext
    ) async throws -> CreatedDatabase {
        var violations = FieldViolations()
        let environmentID = violations.identifier(
            request.environmentID, field: "environment_id", as: EnvironmentID.self)
        let grant = try await authorize(environmentID, ServerID(request.serverID), caller)
        let checked = try check(request, &violations)
        try violations.throwIfAny()
        guard let grant, let checked else {
            throw Problem(.internalFault, "a request was refused without a reason")
        }
        let plan = try plan(request, checked, grant)
        try await transactions.inTransaction { tx in
            try await write(plan, tx, request: request, caller: caller)
        }
        return CreatedDatabase(
            status: ServiceStatus(
                service: plan.service, state: plan.deployment == nil ? .notDeployed : .queued),
            deploymentID: plan.deployment?.id, connectionURI: plan.connection.uri)
    }

    private struct Plan {
        let service: Service
        let deployment: NewDeployment?
        let entries: [ConfigEntryDraft]
        let connection: ConnectionParts
        let grant: Grant
    }

    /// Without an environment there is nothing to authorize in, but who calls is known before any
    /// field error is told.
    private func authorize(
        _ environmentID: EnvironmentID?, _ serverID: ServerID?, _ caller: CallerContext
    ) async throws -> Grant? {
        guard let environmentID else {
            _ = try await authorizer.authenticate(caller.credential)
            return nil
        }
        return try await authorizer.authorize(
            caller.credential, .writeServices, in: .environment(environmentID, server: serverID))
    }

    private struct Checked {
        let slug: ServiceSlug
        let template: DatabaseTemplate
        let credentials: DatabaseCredentials
        let serverID: ServerID?
    }

    /// Notes every violation; returns `nil` when there is one that leaves nothing to plan with.
    private func check(
        _ request: CreateDatabaseRequest, _ violations: inout FieldViolations
    ) throws -> Checked? {
        let slug = checkName(request.name, &violations)
        let template = catalogue.template(request.templateID)
        if template == nil {
            let known = catalogue.templates.map(\.id).joined(separator: ", ")
            violations.add("template_id", "must be one of: \(known)")
        }
        let serverID = checkServer(request, &violations)
        if request.requestID.utf8.count > CreateDatabase.requestIDLengthMax {
            violations.add(
                "request_id", "must be at most \(CreateDatabase.requestIDLengthMax) bytes long")
        }
        let wish = DatabaseCredentials.Wish(
            databaseName: request.databaseName, username: request.username,
            password: request.password)
        guard let template else {
            DatabaseCredentials.check(wish, &violations)
            return nil
        }
        let credentials = try DatabaseCredentials(
            wish: wish, template: template, passwords: passwords, violations: &violations)
        return slug.map {
            Checked(slug: $0, template: template, credentials: credentials, serverID: serverID)
        }
    }

    private func checkName(
        _ name: String, _ violations: inout FieldViolations
    ) -> ServiceSlug? {
        guard !isBlank(name) else {
            violations.add("name", "is required")
            return nil
        }
        guard name.utf8.count <= CreateDatabase.nameLengthMax else {
            violations.add("name", "must be at most \(CreateDatabase.nameLengthMax) bytes long")
            return nil
        }
        guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            violations.add("name", "must not hold control characters")
            return nil
        }
        do {
            return try ServiceSlug(name: name)
        } catch {
            violations.add("name", error.rule)
            return nil
        }
    }

    private func checkServer(
        _ request: CreateDatabaseRequest, _ violations: inout FieldViolations
    ) -> ServerID? {
        if request.serverID.isEmpty {
            if request.deployNow { violations.add("server_id", "is required to deploy now") }
            return nil
        }
        return violations.identifier(request.serverID, field: "server_id")
    }

    private func plan(
        _ request: CreateDatabaseRequest, _ checked: Checked, _ grant: Grant
    ) throws -> Plan {
        guard let projectID = grant.projectID, let environmentID = grant.environmentID else {
            throw Problem(
                .internalFault, "the request could not be planned",
                privateContext: "a grant for an environment lacks its project")
        }
        let now = clock.now()
        let service = Service(
            id: ServiceID.new(at: now), workspaceID: grant.workspaceID, projectID: projectID,
            environmentID: environmentID, name: request.name, slug: checked.slug, kind: .database,
            source: .template(checked.template.id), image: checked.template.image,
            port: checked.template.port, visibility: .private, serverID: checked.serverID,
            createdAt: now, updatedAt: now, deletedAt: nil)
        let deployment = request.deployNow
            ? checked.serverID.map { serverID in
                NewDeployment(
                    id: DeploymentID.new(at: now), serviceID: service.id,
                    environmentID: environmentID, serverID: serverID, image: service.image,
                    trigger: .create, at: now)
            } : nil
        return Plan(
            service: service, deployment: deployment,
            entries: checked.credentials.entries(checked.template.keys),
            connection: checked.credentials.connection(to: service, scheme: checked.template.uriScheme),
            grant: grant)
    }

    /// Every statement is queued; the first answer awaited is that of COMMIT.
    private func write(
        _ plan: Plan, _ tx: Transaction, request: CreateDatabaseRequest, caller: CallerContext
    ) async throws {
        try await store.insertWithinTx(tx, plan.service)
        try await config.setWithinTx(tx, serviceID: plan.service.id, entries: plan.entries)
        if let deployment = plan.deployment {
            try await deployments.enqueueWithinTx(tx, deployment)
        }
        try await audit.recordWithinTx(
            tx,
            AuditEntry(
                action: "service.create_database", actor: plan.grant.principal,
                target: .service(plan.service.id), workspaceID: plan.grant.workspaceID,
                requestID: request.requestID, callID: caller.callID, at: plan.service.createdAt))
    }
}

extension DatabaseCredentials {
    /// The config entries that carry the credentials into the container.
    fileprivate func entries(_ keys: DatabaseTemplate.Keys) -> [ConfigEntryDraft] {
        [
            ConfigEntryDraft(key: keys.username, value: .variable(username)),
            ConfigEntryDraft(key: keys.databaseName, value: .variable(databaseName)),
            ConfigEntryDraft(key: keys.password, value: .secret(password)),
        ]
    }

    fileprivate func connection(to service: Service, scheme: String) -> ConnectionParts {
        ConnectionParts(
            scheme: scheme, host: service.slug.description, port: service.port,
            databaseName: databaseName, username: username, password: password)
    }
}
