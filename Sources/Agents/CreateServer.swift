public import Domain
import PostgresClient

/// Adds a server to a workspace.
public struct CreateServer {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let store: any ServerStore
    let audit: any AuditRecorder
    let clock: any WallClock

    /// The bytes that a server's name may have.
    static let nameLengthMax = 128

    /// The new server, which is offline until an agent registers for it.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`.
    public func callAsFunction(
        workspaceID text: String, name: String, caller: CallerContext
    ) async throws -> Server {
        var violations = FieldViolations()
        let id = violations.identifier(text, field: "workspace_id", as: WorkspaceID.self)
        check(name, &violations)
        guard let id else {
            _ = try await authorizer.authenticate(caller.credential)
            try violations.throwIfAny()
            throw Problem(.notFound, "no such workspace")
        }
        let grant = try await authorizer.authorize(
            caller.credential, .manageServers, in: .workspace(id))
        try violations.throwIfAny()
        let now = clock.now()
        let server = Server(
            id: ServerID.new(at: now), workspaceID: id, name: name, createdAt: now, agent: nil)
        try await transactions.inTransaction { tx in
            try await store.insertWithinTx(tx, server)
            try await audit.recordWithinTx(
                tx,
                AuditEntry(
                    action: "server.create", actor: grant.principal, target: .server(server.id),
                    workspaceID: id, requestID: "", callID: caller.callID, at: now))
        }
        return server
    }

    private func check(_ name: String, _ violations: inout FieldViolations) {
        if name.utf8.allSatisfy({ $0 == 0x20 }) {
            violations.add("name", "is required")
        } else if name.utf8.count > CreateServer.nameLengthMax {
            violations.add("name", "must be at most \(CreateServer.nameLengthMax) bytes long")
        } else if !PlainText.allows(name) {
            violations.add("name", PlainText.rule)
        }
    }
}
