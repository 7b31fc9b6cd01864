public import Domain
import PostgresClient

/// Reads one deployment and what happened to it.
public struct GetDeployment {
    let authorizer: any Authorizer
    let sessions: any SessionRunner
    let store: any DeploymentStore

    /// The deployment of that id; without text for who may not read what containers write.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`.
    public func callAsFunction(
        id text: String, caller: CallerContext
    ) async throws -> DeploymentHistory {
        let (id, grant) = try await authorizeDeployment(text, .readServices, authorizer, caller)
        return try await sessions.inSession { session in
            // In one round trip.
            let deployment = store.find(id, in: session)
            let events = store.events(of: id, in: session)
            guard let found = try await deployment.value() else { throw Problem.deploymentNotFound }
            let history = DeploymentHistory(found, later: try await events.value())
            return grant.allows(.revealSecrets) ? history : history.withoutText()
        }
    }
}

extension Problem {
    static var deploymentNotFound: Problem { Problem(.notFound, "no such deployment") }
}
