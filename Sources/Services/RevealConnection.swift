public import Domain
import PostgresClient

/// Shows how to reach a database, password included; every showing is audited before it happens.
public struct RevealConnection {
    let authorizer: any Authorizer
    let sessions: any SessionRunner
    let transactions: any TransactionRunner
    let store: any ServiceStore
    let config: any ConfigRevealer
    let audit: any AuditRecorder
    let catalogue: DatabaseCatalogue
    let clock: any WallClock

    /// The parts of the connection.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`, `failedPrecondition` when the service is no database or deleted.
    public func callAsFunction(
        id text: String, caller: CallerContext
    ) async throws -> ConnectionParts {
        let id = try await requireServiceID(text, authorizer, caller)
        let grant = try await authorizer.authorize(
            caller.credential, .revealSecrets, in: .service(id))
        let parts = try await sessions.inSession { session in
            guard let service = try await store.find(id, in: session) else {
                throw Problem.serviceNotFound
            }
            let entries = try await config.reveal(serviceID: id, in: session)
            return try connection(to: service, entries)
        }
        try await transactions.inTransaction { tx in
            try await audit.recordWithinTx(
                tx,
                AuditEntry(
                    action: "service.reveal_connection", actor: grant.principal,
                    target: .service(id), workspaceID: grant.workspaceID, requestID: "",
                    callID: caller.callID, at: clock.now()))
        }
        return parts
    }

    private func connection(
        to service: Service, _ entries: [String: ConfigEntryDraft.Value]
    ) throws -> ConnectionParts {
        guard service.deletedAt == nil else {
            throw Problem(.failedPrecondition, "the service is deleted")
        }
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
        return ConnectionParts(
            scheme: template.uriScheme, host: service.slug.description, port: service.port,
            databaseName: databaseName, username: username, password: password)
    }
}
