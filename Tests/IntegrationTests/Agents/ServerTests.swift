import Agents
import Domain
import PostgresClient
import Testing

@Suite struct ServerTests {
    @Test("an admin adds a server, which nobody has registered for, and it is audited")
    func create() async throws {
        try await withDatabase { database, pool in
            let admin = try database.tenancy[.admin]
            let home = database.tenancy.home
            let agents = try Modules(pool).agents
            let server = try await agents.createServer(
                workspaceID: home.workspaceID.description, name: "Ünï 1", caller: admin.caller())
            #expect(server.name == "Ünï 1")
            #expect(server.workspaceID == home.workspaceID)
            #expect(server.agent == nil)
            let read = try await agents.getServer(
                id: server.id.description, caller: try database.tenancy[.viewer].caller())
            #expect(read == server)
            let audited = try database.run(
                "SELECT action, actor_user_id, target_kind, target_id FROM audit_events")
            #expect(audited == "server.create|\(admin.userID)|server|\(server.id)")
        }
    }

    @Test("a member may neither add a server nor mint a token, and nothing is written")
    func notAllowed() async throws {
        try await withDatabase { database, pool in
            let home = database.tenancy.home
            let agents = try Modules(pool).agents
            let rows = try database.rowsByTable()
            for role in [Role.member, .viewer] {
                let caller = try database.tenancy[role].caller()
                let create = try await problem {
                    _ = try await agents.createServer(
                        workspaceID: home.workspaceID.description, name: "s", caller: caller)
                }
                #expect(create.kind == .permissionDenied)
                let mint = try await problem {
                    _ = try await agents.createRegistrationToken(
                        serverID: home.serverID.description, caller: caller)
                }
                #expect(mint.kind == .permissionDenied)
            }
            #expect(try database.rowsByTable() == rows)
        }
    }

    @Test("another workspace's servers do not exist")
    func foreign() async throws {
        try await withDatabase { database, pool in
            let agents = try Modules(pool).agents
            let stranger = try database.tenancy.stranger.caller()
            let home = database.tenancy.home
            let refusals = [
                try await problem {
                    _ = try await agents.getServer(
                        id: home.serverID.description, caller: stranger)
                },
                try await problem {
                    _ = try await agents.listServers(
                        workspaceID: home.workspaceID.description, pageSize: 0, pageToken: "",
                        caller: stranger)
                },
                try await problem {
                    _ = try await agents.createRegistrationToken(
                        serverID: home.serverID.description, caller: stranger)
                },
                try await problem {
                    _ = try await agents.createServer(
                        workspaceID: home.workspaceID.description, name: "s", caller: stranger)
                },
            ]
            #expect(refusals.allSatisfy { $0.kind == .notFound })
        }
    }

    @Test(
        "names that are empty, blank, too long or hold control characters are refused",
        arguments: [
            "", "  ", String(repeating: "ä", count: 65), "a\nb", "a\u{7F}", "a\u{85}b",
            "a\u{202E}b",
        ])
    func names(_ name: String) async throws {
        try await withDatabase { database, pool in
            let agents = try Modules(pool).agents
            let refused = try await problem {
                _ = try await agents.createServer(
                    workspaceID: database.tenancy.home.workspaceID.description, name: name,
                    caller: try database.tenancy[.owner].caller())
            }
            #expect(refused.kind == .invalidArgument)
            #expect(refused.violations.map(\.field) == ["name"])
        }
    }

    @Test("malformed ids are field errors, after the token was verified")
    func malformed() async throws {
        try await withDatabase { database, pool in
            let agents = try Modules(pool).agents
            let owner = try database.tenancy[.owner].caller()
            let nobody = CallerContext(
                credential: Credential(tokenHash: [UInt8](repeating: 1, count: 32)), callID: "")
            for (caller, kind) in [
                (owner, Problem.Kind.invalidArgument), (nobody, .unauthenticated),
            ] {
                let refusals = [
                    try await problem { _ = try await agents.getServer(id: "x", caller: caller) },
                    try await problem {
                        _ = try await agents.createRegistrationToken(
                            serverID: "", caller: caller)
                    },
                    try await problem {
                        _ = try await agents.createServer(
                            workspaceID: "x", name: "s", caller: caller)
                    },
                    try await problem {
                        _ = try await agents.listServers(
                            workspaceID: "x", pageSize: -1, pageToken: "zz", caller: caller)
                    },
                ]
                #expect(refusals.allSatisfy { $0.kind == kind })
            }
        }
    }

    @Test("servers are listed newest first, a page at a time, each once")
    func pages() async throws {
        try await withDatabase { database, pool in
            let agents = try Modules(pool).agents
            let home = database.tenancy.home
            let owner = try database.tenancy[.owner].caller()
            var added = [home.serverID]
            for number in 0..<4 {
                added.append(
                    try await agents.createServer(
                        workspaceID: home.workspaceID.description, name: "s\(number)",
                        caller: owner
                    ).id)
            }
            var listed: [ServerID] = []
            var token = ""
            repeat {
                let page = try await agents.listServers(
                    workspaceID: home.workspaceID.description, pageSize: 2, pageToken: token,
                    caller: owner)
                #expect(page.elements.count <= 2)
                listed += page.elements.map(\.id)
                token = page.nextToken
            } while !token.isEmpty
            #expect(Set(listed) == Set(added))
            #expect(listed == listed.sorted { ($0.high, $0.low) > ($1.high, $1.low) })
        }
    }

    @Test("a minted token is audited, kept as a digest only, and replaces the one before")
    func mint() async throws {
        try await withDatabase { database, pool in
            let agents = try Modules(pool).agents
            let serverID = database.tenancy.home.serverID
            let admin = try database.tenancy[.admin]
            var tokens: [RegistrationToken] = []
            for _ in 0..<2 {
                tokens.append(
                    try await agents.createRegistrationToken(
                        serverID: serverID.description, caller: admin.caller()))
            }
            #expect(tokens[0].secret != tokens[1].secret)
            let kept = try database.run(
                "SELECT encode(token_hash, 'hex') FROM registration_tokens")
            #expect(try kept == Hexadecimal.text(tokens[1].secret.hash()))
            let audited = try database.run(
                """
                SELECT count(*) FROM audit_events
                WHERE action = 'server.create_registration_token' AND target_id = '\(serverID)'
                    AND actor_user_id = '\(admin.userID)'
                """)
            #expect(audited == "2")
        }
    }
}
