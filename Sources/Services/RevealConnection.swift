public import Domain
import PostgresClient

/// Shows how to reach a database, password included; every showing is audited before it happens.
public struct RevealConnection {
    let authorizer: any Authorizer
    let readAuthorizer: any ReadAuthorizer
    let sessions: any SessionRunner
    let transactions: any TransactionRunner
    let store: any ServiceStore
    let config: any ConfigRevealer
    let audit: any AuditRecorder
    let catalogue: DatabaseCatalogue
    let clock: any WallClock

    /// The parts of the connection.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`, also when the service
    ///   is deleted, `permissionDenied`, `failedPrecondition` when the service is no database.
    public func callAsFunction(
        id text: String, caller: CallerContext
    ) async throws -> ConnectionParts {
        let id = try await requireServiceID(text, authorizer, caller)
        let (grant, parts) = try await sessions.inSession { session in
            let asked = readAuthorizer.grant(
                caller.credential, .revealSecrets, in: .service(id), session: session)
            let found = store.find(id, in: session)
            let grant = try await asked.value()
            guard let service = try await found.value() else { throw Problem.serviceNotFound }
            guard service.deletedAt == nil else {
                throw Problem(.notFound, "the service is deleted")
            }
            let entries = try await config.reveal(serviceID: id, in: session)
            return (grant, try ConnectionParts(of: service, entries, catalogue))
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
}
