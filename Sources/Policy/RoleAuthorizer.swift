public import Domain
public import PostgresClient

/// Decides by the caller's role in the scope's workspace.
public struct RoleAuthorizer: Authorizer {
    let sessions: any SessionRunner
    let store: any StandingStore
    let witness: (any CredentialWitness)?

    /// Makes an authorizer that reads through `sessions` and tells `witness` of each credential that is
    /// someone's.
    public init(
        sessions: any SessionRunner, store: any StandingStore = PostgresStandingStore(),
        witness: (any CredentialWitness)? = nil
    ) {
        self.sessions = sessions
        self.store = store
        self.witness = witness
    }

    /// See ``Authorizer/authorize(_:_:in:)``.
    public func authorize(
        _ credential: Credential, _ permission: Permission, in scope: Scope
    ) async throws -> Grant {
        try await sessions.inSession { session in
            try await grant(credential, permission, in: scope, session: session).value()
        }
    }

    /// Asks in the caller's session, without waiting; the grant throws as
    /// ``Authorizer/authorize(_:_:in:)``.
    public func grant(
        _ credential: Credential, _ permission: Permission, in scope: Scope, session: Session
    ) -> Pending<Grant> {
        let standing = store.standing(of: credential, in: scope, session: session)
        return Pending {
            let standing = try await standing.value()
            if standing != nil { witness?.verified(credential) }
            return try RoleAuthorizer.decide(standing, permission, scope)
        }
    }

    /// See ``Authorizer/authenticate(_:)``.
    public func authenticate(_ credential: Credential) async throws -> Principal {
        let principal = try await sessions.inSession { session in
            try await store.principal(of: credential, session: session)
        }
        guard let principal else { throw Problem.badToken }
        witness?.verified(credential)
        return principal
    }

    /// The order of the questions is what a caller may learn: who are you, does it exist for you,
    /// may you, is the server yours.
    static func decide(
        _ standing: Standing?, _ permission: Permission, _ scope: Scope
    ) throws(Problem) -> Grant {
        guard let standing else { throw .badToken }
        guard let place = standing.place, let role = standing.role else {
            throw Problem(.notFound, "no such \(scope.noun)")
        }
        guard role >= permission.leastRole else {
            throw Problem(
                .permissionDenied,
                "this needs the role \(permission.leastRole.rawValue); yours is \(role.rawValue)")
        }
        guard standing.serverIsKnown else { throw Problem(.notFound, "no such server") }
        return Grant(
            principal: standing.principal, role: role, workspaceID: place.workspaceID,
            projectID: place.projectID, environmentID: place.environmentID)
    }
}

extension Scope {
    fileprivate var noun: String {
        switch self {
        case .workspace: "workspace"
        case .project: "project"
        case .environment: "environment"
        case .service: "service"
        case .deployment: "deployment"
        case .server: "server"
        }
    }
}

extension Problem {
    static var badToken: Problem {
        Problem(.unauthenticated, "the token is unknown, expired or revoked")
    }
}
