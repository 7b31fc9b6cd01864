import Auth
import Domain
import Policy
import PostgresClient
import Services
import Testing

/// Who may do what where, decided with real tokens: each caller × each kind of scope × each
/// permission, in both workspaces.
@Suite struct AuthorizationMatrixTests {
    /// A scope of each kind in one workspace, with what a grant for it must say.
    struct World {
        let scopes: [(kind: String, scope: Scope, hasProject: Bool, hasEnvironment: Bool)]
        let place: Tenancy.Place

        init(_ place: Tenancy.Place, serviceID: ServiceID, deploymentID: DeploymentID) {
            self.place = place
            scopes = [
                ("workspace", .workspace(place.workspaceID), false, false),
                ("project", .project(place.projectID), true, false),
                ("environment", .environment(place.environmentID, server: nil), true, true),
                (
                    "environment with its server",
                    .environment(place.environmentID, server: place.serverID), true, true
                ),
                ("service", .service(serviceID), true, true),
                ("deployment", .deployment(deploymentID), true, true),
                ("server", .server(place.serverID), false, false),
            ]
        }
    }

    static let permissions: [Permission] = [
        .readServices, .writeServices, .revealSecrets, .manageServers,
    ]
    static let unknown: [Scope] = [
        .workspace(WorkspaceID(high: 1, low: 1)), .project(ProjectID(high: 1, low: 1)),
        .environment(EnvironmentID(high: 1, low: 1), server: nil),
        .service(ServiceID(high: 1, low: 1)), .deployment(DeploymentID(high: 1, low: 1)),
        .server(ServerID(high: 1, low: 1)),
    ]

    /// Puts a service and a deployment into both workspaces.
    static func worlds(
        _ database: MigratedDatabase, _ pool: ConnectionPool
    ) async throws -> (home: World, foreign: World) {
        let tenancy = database.tenancy
        func world(_ place: Tenancy.Place, _ person: Tenancy.Person) async throws -> World {
            let created = try await Modules(pool).services.createDatabase(
                CreateDatabaseRequest(
                    environmentID: place.environmentID.description, name: "main",
                    templateID: "postgres", serverID: place.serverID.description, deployNow: true),
                caller: try person.caller())
            return World(
                place, serviceID: created.status.service.id,
                deploymentID: try #require(created.deploymentID))
        }
        return (
            try await world(tenancy.home, tenancy[.owner]),
            try await world(tenancy.foreign, tenancy.stranger)
        )
    }

    @Test("a member's role decides, the same in every kind of scope", arguments: Role.allCases)
    func members(_ role: Role) async throws {
        try await withDatabase { database, pool in
            let worlds = try await Self.worlds(database, pool)
            let authorizer = try Modules(pool).authorizer
            let person = try database.tenancy[role]
            let allowed: [Permission: Bool] = [
                .readServices: true, .writeServices: role != .viewer,
                .revealSecrets: role != .viewer, .manageServers: role >= .admin,
            ]
            for (kind, scope, hasProject, hasEnvironment) in worlds.home.scopes {
                for permission in Self.permissions {
                    let name: Comment = "\(role) asks for \(permission) in a \(kind)"
                    let roundTrips = pool.statistics.roundTrips
                    if allowed[permission] == true {
                        let grant = try await authorizer.authorize(
                            try person.token.credential(), permission, in: scope)
                        let expected = Grant(
                            principal: Principal(userID: person.userID, tokenID: person.tokenID),
                            role: role, workspaceID: worlds.home.place.workspaceID,
                            projectID: hasProject ? worlds.home.place.projectID : nil,
                            environmentID: hasEnvironment ? worlds.home.place.environmentID : nil)
                        #expect(grant == expected, name)
                    } else {
                        let refused = try await problem {
                            _ = try await authorizer.authorize(
                                try person.token.credential(), permission, in: scope)
                        }
                        #expect(refused.kind == .permissionDenied, name)
                    }
                    #expect(pool.statistics.roundTrips == roundTrips + 1, name)
                }
            }
        }
    }

    @Test("what is another workspace's is to everyone as if it did not exist")
    func strangers() async throws {
        try await withDatabase { database, pool in
            let worlds = try await Self.worlds(database, pool)
            let authorizer = try Modules(pool).authorizer
            let strangers = try Role.allCases.map { (try database.tenancy[$0], worlds.foreign) }
            for (person, world) in strangers + [(database.tenancy.stranger, worlds.home)] {
                for permission in Self.permissions {
                    func refusal(_ scope: Scope) async throws -> Problem {
                        try await problem {
                            _ = try await authorizer.authorize(
                                try person.token.credential(), permission, in: scope)
                        }
                    }
                    var messages: Set<String> = []
                    for (kind, scope, _, _) in world.scopes {
                        let refused = try await refusal(scope)
                        #expect(refused.kind == .notFound, "\(permission) in a \(kind)")
                        messages.insert(refused.message)
                    }
                    var messagesOfUnknown: Set<String> = []
                    for scope in Self.unknown {
                        let refused = try await refusal(scope)
                        #expect(refused.kind == .notFound, "\(permission) in \(scope)")
                        messagesOfUnknown.insert(refused.message)
                    }
                    #expect(messages == messagesOfUnknown)
                }
            }
        }
    }

    @Test("the stranger is at home in the second workspace")
    func strangerAtHome() async throws {
        try await withDatabase { database, pool in
            let worlds = try await Self.worlds(database, pool)
            let stranger = database.tenancy.stranger
            for (kind, scope, _, _) in worlds.foreign.scopes {
                for permission in Self.permissions {
                    let grant = try await Modules(pool).authorizer.authorize(
                        try stranger.token.credential(), permission, in: scope)
                    #expect(grant.role == .owner, "\(permission) in a \(kind)")
                    #expect(grant.workspaceID == worlds.foreign.place.workspaceID)
                }
            }
        }
    }

    @Test("a server that is unknown or another workspace's is not found, but first comes the role")
    func servers() async throws {
        try await withDatabase { database, pool in
            let tenancy = database.tenancy
            let authorizer = try Modules(pool).authorizer
            for server in [tenancy.foreign.serverID, ServerID(high: 1, low: 1)] {
                let scope = Scope.environment(tenancy.home.environmentID, server: server)
                func refusal(
                    _ person: Tenancy.Person, _ permission: Permission
                ) async throws -> Problem {
                    try await problem {
                        _ = try await authorizer.authorize(
                            try person.token.credential(), permission, in: scope)
                    }
                }
                for role in [Role.owner, .admin, .member] {
                    let refused = try await refusal(try tenancy[role], .writeServices)
                    #expect(refused.kind == .notFound)
                    #expect(refused.message == "no such server")
                }
                let viewer = try await refusal(try tenancy[.viewer], .writeServices)
                #expect(viewer.kind == .permissionDenied)
                let stranger = try await refusal(tenancy.stranger, .writeServices)
                #expect(stranger.message == "no such environment")
            }
        }
    }

    @Test("a token that is unknown, revoked or expired opens nothing, known or not")
    func badTokens() async throws {
        try await withDatabase { database, pool in
            let worlds = try await Self.worlds(database, pool)
            let authorizer = try Modules(pool).authorizer
            let revoked = try database.tenancy[.owner]
            let expired = try database.tenancy[.admin]
            try database.run(
                """
                UPDATE access_tokens SET revoked_at = now() WHERE id = '\(revoked.tokenID)';
                UPDATE access_tokens SET expires_at = now() WHERE id = '\(expired.tokenID)';
                """)
            let tokens = [try AccessToken.generate(), revoked.token, expired.token]
            var messages: Set<String> = []
            for token in tokens {
                for scope in worlds.home.scopes.map(\.scope) + Self.unknown {
                    for permission in Self.permissions {
                        let refused = try await problem {
                            _ = try await authorizer.authorize(
                                try token.credential(), permission, in: scope)
                        }
                        #expect(refused.kind == .unauthenticated)
                        messages.insert(refused.message)
                    }
                }
                let refused = try await problem {
                    _ = try await authorizer.authenticate(try token.credential())
                }
                #expect(refused.kind == .unauthenticated)
                messages.insert(refused.message)
            }
            #expect(messages.count == 1, "a caller must not learn which it was")
        }
    }

    @Test("a service's scope outlives its deletion")
    func tombstones() async throws {
        try await withDatabase { database, pool in
            let tenancy = database.tenancy
            let service = Service.sample(tenancy)
            try await insert([service], pool)
            _ = try await Modules(pool).services.deleteService(
                id: service.id.description, caller: try tenancy[.member].caller())
            let grant = try await Modules(pool).authorizer.authorize(
                try tenancy[.viewer].token.credential(), .readServices, in: .service(service.id))
            #expect(grant.environmentID == tenancy.home.environmentID)
        }
    }
}
