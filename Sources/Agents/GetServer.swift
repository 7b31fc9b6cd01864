public import Domain
import PostgresClient

/// Reads one server.
public struct GetServer {
    let authorizer: any Authorizer
    let sessions: any SessionRunner
    let store: any ServerStore

    /// The server of that id.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`.
    public func callAsFunction(id text: String, caller: CallerContext) async throws -> Server {
        let id = try await requireServerID(text, authorizer, caller)
        _ = try await authorizer.authorize(caller.credential, .readServices, in: .server(id))
        return try await sessions.inSession { session in
            guard var server = try await store.find(id, in: session) else {
                throw Problem.serverNotFound
            }
            if let agent = server.agent, agent.orphanCount > 0 {
                server.orphans = try await store.orphans(of: id, in: session)
            }
            return server
        }
    }
}

/// Parses a server's id; a malformed one is told to verified callers alone.
func requireServerID(
    _ text: String, _ authorizer: any Authorizer, _ caller: CallerContext
) async throws -> ServerID {
    var violations = FieldViolations()
    if let id = violations.identifier(text, field: "server_id", as: ServerID.self) { return id }
    _ = try await authorizer.authenticate(caller.credential)
    try violations.throwIfAny()
    throw Problem.serverNotFound
}

extension Problem {
    static var serverNotFound: Problem { Problem(.notFound, "no such server") }
}
