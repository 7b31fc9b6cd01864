import Domain
import PostgresClient
import Testing

@testable import Policy

@Suite("RoleAuthorizer")
struct RoleAuthorizerTests {
    static let principal = Principal(
        userID: UserID(high: 1, low: 1), tokenID: AccessTokenID(high: 1, low: 2))
    static let place = Standing.Place(
        workspaceID: WorkspaceID(high: 2, low: 1), projectID: ProjectID(high: 2, low: 2),
        environmentID: EnvironmentID(high: 2, low: 3))
    static let scope = Scope.environment(
        EnvironmentID(high: 2, low: 3), server: ServerID(high: 3, low: 1))

    static func standing(
        place: Standing.Place? = place, role: Role? = .owner, serverIsKnown: Bool = true
    ) -> Standing {
        Standing(principal: principal, place: place, role: role, serverIsKnown: serverIsKnown)
    }

    private func refusal(
        _ standing: Standing?, _ permission: Permission = .writeServices, _ scope: Scope = scope
    ) throws -> Problem {
        try #require(throws: Problem.self) {
            _ = try RoleAuthorizer.decide(standing, permission, scope)
        }
    }

    @Test(
        "each permission is given from its least role on, and to none below",
        arguments: [
            (Permission.readServices, Role.viewer), (.writeServices, .member),
            (.revealSecrets, .member), (.manageServers, .admin),
        ])
    func roles(_ permission: Permission, _ least: Role) throws {
        for role in Role.allCases {
            let standing = Self.standing(role: role)
            if role >= least {
                let grant = try RoleAuthorizer.decide(standing, permission, Self.scope)
                #expect(grant.role == role)
                #expect(grant.principal == Self.principal)
                #expect(grant.workspaceID == Self.place.workspaceID)
                #expect(grant.projectID == Self.place.projectID)
                #expect(grant.environmentID == Self.place.environmentID)
            } else {
                let problem = try refusal(standing, permission)
                #expect(problem.kind == .permissionDenied)
                #expect(problem.message.contains("role \(least.rawValue)"))
            }
        }
    }

    @Test("no live token is told before anything else")
    func badToken() throws {
        #expect(try refusal(nil).kind == .unauthenticated)
    }

    @Test("what is a stranger's reads exactly as what does not exist")
    func stranger() throws {
        let missing = try refusal(Self.standing(place: nil, role: nil))
        let foreign = try refusal(Self.standing(role: nil))
        #expect(missing.kind == .notFound)
        #expect(missing.message == "no such environment")
        #expect("\(foreign)" == "\(missing)")
        #expect(foreign.privateContext == missing.privateContext)
    }

    @Test(
        "a role too low is told before anything is said of a server, which a role high enough hears"
    )
    func servers() throws {
        let viewer = try refusal(Self.standing(role: .viewer, serverIsKnown: false))
        #expect(viewer.kind == .permissionDenied)
        let member = try refusal(Self.standing(role: .member, serverIsKnown: false))
        #expect(member.kind == .notFound)
        #expect(member.message == "no such server")
    }

    @Test(
        "what does not exist is called by its name",
        arguments: [
            (Scope.workspace(WorkspaceID(high: 9, low: 9)), "no such workspace"),
            (.project(ProjectID(high: 9, low: 9)), "no such project"),
            (.service(ServiceID(high: 9, low: 9)), "no such service"),
            (.deployment(DeploymentID(high: 9, low: 9)), "no such deployment"),
            (.server(ServerID(high: 9, low: 9)), "no such server"),
        ])
    func nouns(_ scope: Scope, _ message: String) throws {
        let problem = try refusal(Self.standing(place: nil, role: nil), .readServices, scope)
        #expect(problem.message == message)
    }

    @Test("asks the store once, for the credential that was shown and the scope that was meant")
    func asks() async throws {
        let store = FakeStandingStore(Self.standing(role: .viewer))
        let authorizer = PolicyModule(sessions: FakeSessions(), store: store).authorizer
        let credential = Credential(tokenHash: Array(repeating: 5, count: 32))
        let grant = try await authorizer.authorize(credential, .readServices, in: Self.scope)
        #expect(grant.role == .viewer)
        #expect(store.asked == [FakeStandingStore.Asked(credential: credential, scope: Self.scope)])
        #expect(try await authorizer.authenticate(credential) == Self.principal)
        store.found = nil
        let problem = try await #require(throws: Problem.self) {
            _ = try await authorizer.authenticate(credential)
        }
        #expect(problem.kind == .unauthenticated)
    }

    @Test("a token that is someone's is told of, whatever that one may do; an unknown one is not")
    func witness() async throws {
        let witness = FakeWitness()
        let store = FakeStandingStore(Self.standing(place: nil, role: nil))
        let authorizer = PolicyModule(
            sessions: FakeSessions(), store: store, witness: witness
        ).authorizer
        let credential = Credential(tokenHash: Array(repeating: 5, count: 32))
        await #expect(throws: Problem.self) {
            _ = try await authorizer.authorize(credential, .readServices, in: Self.scope)
        }
        #expect(witness.heard == [credential])
        _ = try await authorizer.authenticate(credential)
        #expect(witness.heard == [credential, credential])
        store.found = nil
        await #expect(throws: Problem.self) {
            _ = try await authorizer.authorize(credential, .readServices, in: Self.scope)
        }
        await #expect(throws: Problem.self) { _ = try await authorizer.authenticate(credential) }
        #expect(witness.heard.count == 2)
    }
}

/// Keeps what it hears.
private final class FakeWitness: CredentialWitness {
    private(set) var heard: [Credential] = []

    func verified(_ credential: Credential) { heard.append(credential) }
}

struct FakeSessions: SessionRunner {
    func inSession<R>(_ body: (Session) async throws -> R) async throws -> R {
        try await body(Session.disconnected())
    }
}

final class FakeStandingStore: StandingStore {
    struct Asked: Equatable {
        let credential: Credential
        let scope: Scope
    }

    var found: Standing?
    private(set) var asked: [Asked] = []

    init(_ found: Standing?) { self.found = found }

    func standing(
        of credential: Credential, in scope: Scope, session: Session
    ) -> Pending<Standing?> {
        asked.append(Asked(credential: credential, scope: scope))
        return Pending { self.found }
    }

    func principal(of credential: Credential, session: Session) async throws -> Principal? {
        found?.principal
    }
}
