public import Domain
import PostgresClient

/// Reads one service, deleted or not.
public struct GetService {
    let authorizer: any Authorizer
    let readAuthorizer: any ReadAuthorizer
    let sessions: any SessionRunner
    let store: any ServiceStore
    let conditions: any ServiceConditions

    /// The service of that id and its state; without text of agents for who may not read what
    /// containers write.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`.
    public func callAsFunction(
        id text: String, caller: CallerContext
    ) async throws -> ServiceStatus {
        let id = try await requireServiceID(text, authorizer, caller)
        return try await sessions.inSession { session in
            let grant = readAuthorizer.grant(
                caller.credential, .readServices, in: .service(id), session: session)
            let found = store.find(id, in: session)
            let conditions = conditions.conditions(of: [id], in: session)
            let showsText = try await grant.value().allows(.revealSecrets)
            guard let service = try await found.value() else { throw Problem.serviceNotFound }
            return ServiceStatus(
                of: service, try await conditions.value(), showsText: showsText)
        }
    }
}

/// Parses a service's id; a malformed one is told to verified callers alone.
func requireServiceID(
    _ text: String, _ authorizer: any Authorizer, _ caller: CallerContext
) async throws -> ServiceID {
    var violations = FieldViolations()
    if let id = violations.identifier(text, field: "service_id", as: ServiceID.self) { return id }
    _ = try await authorizer.authenticate(caller.credential)
    try violations.throwIfAny()
    throw Problem.serviceNotFound
}

extension Problem {
    static var serviceNotFound: Problem { Problem(.notFound, "no such service") }
}
