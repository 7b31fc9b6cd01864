import Audit
import Domain
import PostgresClient
import Testing

@Suite struct PostgresAuditStoreTests {
    @Test("an event is kept with who, what, where and when")
    func writes() async throws {
        try await withDatabase { database, pool in
            let owner = try database.tenancy[.owner]
            let workspaceID = database.tenancy.home.workspaceID
            let targets: [(AuditEntry.Target, String)] = [
                (.service(ServiceID(high: 1, low: 1)), "service"),
                (.server(ServerID(high: 1, low: 2)), "server"),
                (.workspace(workspaceID), "workspace"),
            ]
            for (target, kind) in targets {
                try await pool.inTransaction { tx in
                    try await AuditModule().recordWithinTx(
                        tx,
                        AuditEntry(
                            action: "test.write_\(kind)",
                            actor: Principal(userID: owner.userID, tokenID: owner.tokenID),
                            target: target, workspaceID: workspaceID, requestID: "wish",
                            callID: "call", at: Tenancy.time))
                }
                let row = try database.run(
                    """
                    SELECT actor_user_id, actor_token_id, target_kind, workspace_id, request_id,
                        call_id, extract(epoch FROM created_at)::bigint * 1000000
                    FROM audit_events WHERE action = 'test.write_\(kind)'
                    """)
                #expect(
                    row
                        == [
                            owner.userID.description, owner.tokenID.description, kind,
                            workspaceID.description, "wish", "call",
                            "\(Tenancy.time.microsecondsSince1970)",
                        ].joined(separator: "|"))
            }
        }
    }

    @Test("an event of an agent is its server's, with a detail")
    func agents() async throws {
        try await withDatabase { database, pool in
            let home = database.tenancy.home
            try await pool.inTransaction { tx in
                try await AuditModule().recordWithinTx(
                    tx,
                    AuditEntry(
                        action: "test.refuse", server: home.serverID,
                        workspaceID: home.workspaceID, callID: "call", detail: "REPLAYED",
                        at: Tenancy.time))
            }
            let row = try database.run(
                """
                SELECT actor_user_id IS NULL, actor_token_id IS NULL, actor_server_id, target_kind,
                    target_id, detail
                FROM audit_events WHERE action = 'test.refuse'
                """)
            #expect(row == "t|t|\(home.serverID)|server|\(home.serverID)|REPLAYED")
        }
    }

    @Test("an event of someone unknown is refused, and the transaction with it")
    func unknownActor() async throws {
        try await withDatabase { database, pool in
            let owner = try database.tenancy[.owner]
            let error = try await postgresError {
                try await pool.inTransaction { tx in
                    try await AuditModule().recordWithinTx(
                        tx,
                        AuditEntry(
                            action: "test.write",
                            actor: Principal(
                                userID: UserID(high: 1, low: 1), tokenID: owner.tokenID),
                            target: .service(ServiceID(high: 1, low: 1)),
                            workspaceID: database.tenancy.home.workspaceID, requestID: "",
                            callID: "", at: Tenancy.time))
                }
            }
            #expect(error.constraintName == "audit_events_actor_user_id_fkey")
            let rows = try database.count("audit_events")
            #expect(rows == 0)
        }
    }
}
