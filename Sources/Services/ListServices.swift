public import Domain
import PostgresClient

/// Reads the undeleted services of an environment, project or workspace, newest first.
public struct ListServices {
    let authorizer: any Authorizer
    let readAuthorizer: any ReadAuthorizer
    let sessions: any SessionRunner
    let store: any ServiceStore
    let conditions: any ServiceConditions

    /// What a list is asked for by: one id, as it came.
    public enum Parent: Hashable, Sendable {
        /// An environment's id.
        case environment(String)
        /// A project's id.
        case project(String)
        /// A workspace's id.
        case workspace(String)
        /// Nothing was named.
        case missing
    }

    /// One page of services and their states; without text of agents for who may not read what
    /// containers write.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`.
    public func callAsFunction(
        of parent: Parent, pageSize: Int32, pageToken: String, caller: CallerContext
    ) async throws -> Page<ServiceStatus> {
        var violations = FieldViolations()
        let place = resolve(parent, &violations)
        let page = PageRequest<IdentifierKind.Service>(
            size: pageSize, token: pageToken, scope: place?.key, violations: &violations)
        guard let place, violations.isEmpty else {
            // What is wrong with a request is told to those alone who may ask.
            if let place {
                _ = try await authorizer.authorize(
                    caller.credential, .readServices, in: place.scope)
            } else {
                _ = try await authorizer.authenticate(caller.credential)
            }
            throw violations.problem
        }
        return try await sessions.inSession { session in
            try await read(place, page, caller, in: session)
        }
    }

    private struct Place {
        let list: ServiceList
        let scope: Scope
        let key: [UInt8]
    }

    private func read(
        _ place: Place, _ page: PageRequest<IdentifierKind.Service>, _ caller: CallerContext,
        in session: Session
    ) async throws -> Page<ServiceStatus> {
        let grant = readAuthorizer.grant(
            caller.credential, .readServices, in: place.scope, session: session)
        let rows = store.list(
            place.list, after: page.after, limit: page.fetchCount, in: session)
        let showsText = try await grant.value().allows(.revealSecrets)
        let services = page.page(of: try await rows.value(), scope: place.key, id: \.id)
        let found = try await conditions.conditions(
            of: services.elements.map(\.id), in: session
        ).value()
        return services.map { ServiceStatus(of: $0, found, showsText: showsText) }
    }

    private func resolve(_ parent: Parent, _ violations: inout FieldViolations) -> Place? {
        switch parent {
        case .environment(let text):
            return violations.identifier(text, field: "environment_id", as: EnvironmentID.self)
                .map {
                    Place(
                        list: .environment($0), scope: .environment($0, server: nil), key: $0.bytes)
                }
        case .project(let text):
            return violations.identifier(text, field: "project_id", as: ProjectID.self)
                .map { Place(list: .project($0), scope: .project($0), key: $0.bytes) }
        case .workspace(let text):
            return violations.identifier(text, field: "workspace_id", as: WorkspaceID.self)
                .map { Place(list: .workspace($0), scope: .workspace($0), key: $0.bytes) }
        case .missing:
            violations.add(
                "scope", "must be one of environment_id, project_id and workspace_id")
            return nil
        }
    }
}
