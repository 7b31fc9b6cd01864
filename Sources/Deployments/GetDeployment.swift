public import Domain
import PostgresClient

/// Reads one deployment.
public struct GetDeployment {
    let authorizer: any Authorizer
    let sessions: any SessionRunner
    let store: any DeploymentStore

    /// The deployment of that id.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`.
    public func callAsFunction(id text: String, caller: CallerContext) async throws -> Deployment {
        var violations = FieldViolations()
        guard
            let id = violations.identifier(text, field: "deployment_id", as: DeploymentID.self)
        else {
            _ = try await authorizer.authenticate(caller.credential)
            try violations.throwIfAny()
            throw Problem.deploymentNotFound
        }
        _ = try await authorizer.authorize(caller.credential, .readServices, in: .deployment(id))
        return try await sessions.inSession { session in
            guard let deployment = try await store.find(id, in: session) else {
                throw Problem.deploymentNotFound
            }
            return deployment
        }
    }
}

extension Problem {
    static var deploymentNotFound: Problem { Problem(.notFound, "no such deployment") }
}
