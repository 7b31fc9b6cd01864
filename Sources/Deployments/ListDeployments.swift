public import Domain
import PostgresClient

/// Reads the deployments of a service, newest first.
public struct ListDeployments {
    let authorizer: any Authorizer
    let sessions: any SessionRunner
    let store: any DeploymentStore

    /// One page of deployments; without text for who may not read what containers write.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`.
    public func callAsFunction(
        serviceID text: String, pageSize: Int32, pageToken: String, caller: CallerContext
    ) async throws -> Page<Deployment> {
        var violations = FieldViolations()
        let serviceID = violations.identifier(text, field: "service_id", as: ServiceID.self)
        var showsText = false
        if let serviceID {
            showsText = try await authorizer.authorize(
                caller.credential, .readServices, in: .service(serviceID)
            ).allows(.revealSecrets)
        } else {
            _ = try await authorizer.authenticate(caller.credential)
        }
        let page = PageRequest<IdentifierKind.Deployment>(
            size: pageSize, token: pageToken, scope: serviceID?.bytes,
            violations: &violations)
        try violations.throwIfAny()
        guard let serviceID else { throw Problem(.notFound, "no such service") }
        return try await sessions.inSession { session in
            let found = try await store.list(
                of: serviceID, after: page.after, limit: page.fetchCount, in: session)
            return page.page(of: found, scope: serviceID.bytes, id: \.id)
                .map { showsText ? $0 : $0.withoutText() }
        }
    }
}
