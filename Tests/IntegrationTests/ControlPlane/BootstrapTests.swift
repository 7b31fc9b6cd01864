import Agents
import Auth
import Domain
import Policy
import PostgresClient
import Testing
import Workspaces

@testable import ControlPlane

@Suite struct BootstrapTests {
    static func bootstrap(_ pool: ConnectionPool) async throws -> Bootstrap.Outcome {
        try await Bootstrap(
            transactions: pool, auth: AuthModule(), workspaces: WorkspacesModule(),
            servers: ServerRegistrar(), clock: SystemWallClock()
        ).run()
    }

    static func credential(_ outcome: Bootstrap.Outcome) throws -> Credential {
        try BearerCredential.parse("Bearer \(outcome.token.revealed)")
    }

    @Test("the first run makes an owner who may write in the environment, on the server")
    func first() async throws {
        try await withDatabase { database, pool in
            let outcome = try await Self.bootstrap(pool)
            #expect(outcome.token.revealed.hasPrefix("berth_"))
            #expect(outcome.token.revealed.utf8.count == 6 + 43)
            let grant = try await Modules(pool).authorizer.authorize(
                try Self.credential(outcome), .writeServices,
                in: .environment(outcome.environmentID, server: outcome.serverID))
            #expect(grant.role == .owner)
            #expect(grant.workspaceID == outcome.workspaceID)
            #expect(grant.projectID == outcome.projectID)
        }
    }

    @Test("run again it gives the same ids and a new token, and revokes the one before")
    func again() async throws {
        try await withDatabase { database, pool in
            let first = try await Self.bootstrap(pool)
            let rows = try database.rowsByTable()
            let second = try await Self.bootstrap(pool)
            #expect(second.token != first.token)
            #expect(second.workspaceID == first.workspaceID)
            #expect(second.projectID == first.projectID)
            #expect(second.environmentID == first.environmentID)
            #expect(second.serverID == first.serverID)
            let added = try database.rowsByTable().merging(rows) { $0 - $1 }
                .filter { $0.value != 0 }
            #expect(added == ["access_tokens": 1])
            let authorizer = try Modules(pool).authorizer
            let refused = try await problem {
                _ = try await authorizer.authenticate(try Self.credential(first))
            }
            #expect(refused.kind == .unauthenticated)
            _ = try await authorizer.authenticate(try Self.credential(second))
        }
    }

    @Test("each run mints the server's registration token anew, and only the newest is known")
    func registrationToken() async throws {
        try await withDatabase { database, pool in
            let first = try await Self.bootstrap(pool)
            let second = try await Self.bootstrap(pool)
            #expect(first.registrationToken != second.registrationToken)
            #expect(second.registrationToken.revealed.hasPrefix("berth_reg_"))
            let hash = try AgentSecret(text: second.registrationToken).hash()
            let known = try database.run(
                """
                SELECT server_id, encode(token_hash, 'hex'),
                    expires_at BETWEEN now() + interval '23 hours' AND now() + interval '25 hours'
                FROM registration_tokens
                """)
            #expect(known == "\(second.serverID)|\(Hexadecimal.text(hash))|t")
        }
    }

    @Test("it leaves other users' tokens alone")
    func othersStay() async throws {
        try await withDatabase { database, pool in
            _ = try await Self.bootstrap(pool)
            _ = try await Self.bootstrap(pool)
            let member = try database.tenancy[.member]
            _ = try await Modules(pool).authorizer.authenticate(try member.token.credential())
        }
    }

    @Test("of two runs at once both give the same ids, and one token lives")
    func twoAtOnce() async throws {
        let database = try await MigratedDatabase.make()
        let outcomes = try await atOnce(2, database) { try await Self.bootstrap($0) }
        #expect(outcomes[0].workspaceID == outcomes[1].workspaceID)
        #expect(outcomes[0].environmentID == outcomes[1].environmentID)
        #expect(outcomes[0].serverID == outcomes[1].serverID)
        #expect(outcomes[0].token != outcomes[1].token)
        let live = try database.run(
            """
            SELECT count(*) FROM access_tokens t JOIN bootstraps b ON b.user_id = t.user_id
            WHERE t.revoked_at IS NULL
            """)
        #expect(live == "1")
    }
}
