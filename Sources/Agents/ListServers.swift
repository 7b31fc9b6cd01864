public import Domain
import PostgresClient

/// Reads the servers of a workspace, newest first.
public struct ListServers {
    let authorizer: any Authorizer
    let sessions: any SessionRunner
    let store: any ServerStore

    /// One page of servers.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`.
    public func callAsFunction(
        workspaceID text: String, pageSize: Int32, pageToken: String, caller: CallerContext
    ) async throws -> Page<Server> {
        var violations = FieldViolations()
        let id = violations.identifier(text, field: "workspace_id", as: WorkspaceID.self)
        if let id {
            _ = try await authorizer.authorize(caller.credential, .readServices, in: .workspace(id))
        } else {
            _ = try await authorizer.authenticate(caller.credential)
        }
        let page = PageRequest<IdentifierKind.Server>(
            size: pageSize, token: pageToken, scope: id?.bytes, violations: &violations)
        try violations.throwIfAny()
        guard let id else { throw Problem(.notFound, "no such workspace") }
        return try await sessions.inSession { session in
            let found = try await store.list(
                of: id, after: page.after, limit: page.fetchCount, in: session)
            return page.page(of: found, scope: id.bytes, id: \.id)
        }
    }
}
