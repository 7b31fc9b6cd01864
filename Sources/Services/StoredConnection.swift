import Domain

extension ConnectionParts {
    /// The connection to a service, from its stored credentials.
    ///
    /// - Throws: ``Problem``: `failedPrecondition` when the service is no database of the catalogue,
    ///   `internalFault` when an entry is missing.
    init(
        of service: Service, _ entries: [String: ConfigEntryDraft.Value],
        _ catalogue: DatabaseCatalogue
    ) throws(Problem) {
        guard case .template(let templateID) = service.source else {
            throw Problem(.failedPrecondition, "the service is no database of the catalogue")
        }
        guard let template = catalogue.template(templateID),
            case .variable(let username) = entries[template.keys.username],
            case .variable(let databaseName) = entries[template.keys.databaseName],
            case .secret(let password) = entries[template.keys.password]
        else {
            throw Problem(
                .internalFault, "the service's credentials cannot be read",
                privateContext: "service \(service.id) lacks an entry of template \(templateID)")
        }
        self.init(
            scheme: template.uriScheme, host: service.slug.description, port: service.port,
            databaseName: databaseName, username: username, password: password)
    }
}
