public import Domain
import PostgresClient

/// Mints the one-time token with which an agent registers for a server.
public struct CreateRegistrationToken {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let registrar: ServerRegistrar
    let audit: any AuditRecorder
    let clock: any WallClock

    /// The token, which replaces one that was not used.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`.
    public func callAsFunction(
        serverID text: String, caller: CallerContext
    ) async throws -> RegistrationToken {
        let id = try await requireServerID(text, authorizer, caller)
        let grant = try await authorizer.authorize(
            caller.credential, .manageServers, in: .server(id))
        let now = clock.now()
        return try await transactions.inTransaction { tx in
            let token = try await registrar.mintTokenWithinTx(tx, for: id, at: now)
            try await audit.recordWithinTx(
                tx,
                AuditEntry(
                    action: "server.create_registration_token", actor: grant.principal,
                    target: .server(id), workspaceID: grant.workspaceID, requestID: "",
                    callID: caller.callID, at: now))
            return token
        }
    }
}
