public import Domain
import PostgresClient

/// Reads the entries of a service or an environment; secrets stay sealed.
public struct ListConfig {
    let authorizer: any Authorizer
    let sessions: any SessionRunner
    let store: any ConfigStore

    /// What a list is asked for by: one id, as it came.
    public enum Parent: Hashable, Sendable {
        /// A service's id.
        case service(String)
        /// An environment's id.
        case environment(String)
        /// Nothing was named.
        case missing
    }

    /// The entries in the order of their keys.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`.
    public func callAsFunction(
        of parent: Parent, caller: CallerContext
    ) async throws -> [ConfigEntry] {
        var violations = FieldViolations()
        guard let (scope, place) = resolve(parent, &violations) else {
            _ = try await authorizer.authenticate(caller.credential)
            try violations.throwIfAny()
            return []
        }
        _ = try await authorizer.authorize(caller.credential, .readServices, in: place)
        return try await sessions.inSession { try await store.list(scope, in: $0) }
    }

    private func resolve(
        _ parent: Parent, _ violations: inout FieldViolations
    ) -> (ConfigEntry.Scope, Scope)? {
        switch parent {
        case .service(let text):
            return violations.identifier(text, field: "service_id", as: ServiceID.self)
                .map { (.service($0), .service($0)) }
        case .environment(let text):
            return violations.identifier(text, field: "environment_id", as: EnvironmentID.self)
                .map { (.environment($0), .environment($0, server: nil)) }
        case .missing:
            violations.add("scope", "must be one of service_id and environment_id")
            return nil
        }
    }
}
