import Agents
import Cryptography
import Domain
import PostgresClient
import Testing

@Suite struct RegisterAgentTests {
    static let publicKey = [UInt8](repeating: 9, count: 32)

    static func mint(_ database: MigratedDatabase, _ agents: AgentsModule) async throws
        -> SecretText
    {
        try await agents.createRegistrationToken(
            serverID: database.tenancy.home.serverID.description,
            caller: try database.tenancy[.admin].caller()
        ).secret.text
    }

    static func register(
        _ agents: AgentsModule, _ token: SecretText, key: [UInt8] = publicKey
    ) async throws -> RegisterAgent.Registered {
        try await agents.registerAgent(
            token: token, publicKey: key, agentVersion: "1.2.3", callID: "call")
    }

    @Test("a token makes its caller the server's agent, kept as digests, and is audited")
    func registers() async throws {
        try await withDatabase { database, pool in
            let modules = try Modules(pool)
            let home = database.tenancy.home
            let registered = try await Self.register(
                modules.agents, try await Self.mint(database, modules.agents))
            #expect(registered.serverID == home.serverID)
            #expect(registered.serverName == "home")
            #expect(registered.controlPlanePublicKey == modules.signingKey.publicKey)
            #expect(registered.credential.revealed.hasPrefix("berth_agent_"))
            let hash = try AgentSecret(text: registered.credential).hash()
            let row = try database.run(
                """
                SELECT encode(credential_hash, 'hex'), encode(public_key, 'hex'), agent_version
                FROM agents WHERE server_id = '\(home.serverID)'
                """)
            #expect(
                row == "\(Hexadecimal.text(hash))|\(Hexadecimal.text(Self.publicKey))|1.2.3")
            let audited = try database.run(
                """
                SELECT actor_server_id, workspace_id, detail FROM audit_events
                WHERE action = 'server.register_agent'
                """)
            #expect(audited == "\(home.serverID)|\(home.workspaceID)|agent 1.2.3")
            let server = try await modules.agents.getServer(
                id: home.serverID.description, caller: try database.tenancy[.viewer].caller())
            #expect(server.agent?.isOnline == false)
            #expect(server.agent?.lastSeenAt == nil)
        }
    }

    @Test("a token that was used, replaced, expired or never minted is refused in the same words")
    func badTokens() async throws {
        try await withDatabase { database, pool in
            let agents = try Modules(pool).agents
            let used = try await Self.mint(database, agents)
            _ = try await Self.register(agents, used)
            let replaced = try await Self.mint(database, agents)
            let expired = try await Self.mint(database, agents)
            try database.run("UPDATE registration_tokens SET expires_at = now()")
            let unknown = try AgentSecret.generate(prefix: AgentSecret.registrationPrefix).text
            let rows = try database.rowsByTable()
            var messages: Set<String> = []
            for token in [used, replaced, expired, unknown] {
                let refused = try await problem { _ = try await Self.register(agents, token) }
                #expect(refused.kind == .unauthenticated)
                messages.insert(refused.message)
            }
            #expect(messages.count == 1)
            #expect(try database.rowsByTable() == rows)
        }
    }

    @Test("of several who use one token at once, one registers")
    func race() async throws {
        let database = try await MigratedDatabase.make()
        let token = try await withPool(database.uri) { _, pool in
            try await Self.mint(database, try Modules(pool).agents)
        }
        let outcomes = try await atOnce(4, database) { pool in
            do {
                _ = try await Self.register(try Modules(pool).agents, token)
                return true
            } catch let problem as Problem where problem.kind == .unauthenticated {
                return false
            }
        }
        #expect(outcomes.filter { $0 }.count == 1)
        #expect(try database.count("agents") == 1)
    }

    @Test("what is no Ed25519 key is refused, and the token stays good", arguments: [0, 31, 33])
    func badKeys(_ count: Int) async throws {
        try await withDatabase { database, pool in
            let agents = try Modules(pool).agents
            let token = try await Self.mint(database, agents)
            let refused = try await problem {
                _ = try await Self.register(
                    agents, token, key: [UInt8](repeating: 1, count: count))
            }
            #expect(refused.kind == .invalidArgument)
            #expect(refused.violations.map(\.field) == ["public_key"])
            _ = try await Self.register(agents, token)
        }
    }
}
