public import Domain
public import PostgresClient
import SQL

/// Agents in PostgreSQL. Presence is reckoned by PostgreSQL's own clock alone.
public struct PostgresAgentStore: AgentStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Deletes the token's row and reads its server.
    public func takeTokenWithinTx(
        _ tx: Transaction, hash: [UInt8]
    ) async throws -> (id: ServerID, workspaceID: WorkspaceID, name: String)? {
        guard let row = try await tx.query(Statements.takeToken, [.bytes(hash)]).first else {
            return nil
        }
        return (try row.id("id"), try row.id("workspace_id"), try row.text("name"))
    }

    /// Queues the insert or update; see ``AgentStore``.
    public func replaceWithinTx(
        _ tx: Transaction, _ agent: NewAgent, of serverID: ServerID
    ) async throws {
        tx.send(
            Statements.replace,
            [
                .id(serverID), .bytes(agent.credentialHash), .bytes(agent.publicKey),
                .time(agent.at), .text(agent.version),
            ])
    }

    /// Updates the agent's row.
    public func beginSessionWithinTx(
        _ tx: Transaction, credential: Credential, _ sessionID: AgentSessionID, version: String,
        host: HostFacts
    ) async throws -> AgentIdentity? {
        let values: [PostgresValue] =
            [.bytes(credential.tokenHash), .bytes(sessionID.bytes), .text(version)]
        guard
            let row = try await tx.query(
                Statements.beginSession, values + PostgresAgentStore.values(host)
            ).first
        else { return nil }
        return AgentIdentity(
            serverID: try row.id("server_id"), workspaceID: try row.id("workspace_id"),
            serverName: try row.text("name"), publicKey: try row.bytes("public_key"),
            sessionID: sessionID)
    }

    /// Updates the agent's row if the stream is the newest.
    public func noteSeen(
        _ identity: AgentIdentity, host: HostFacts, in session: Session
    ) async throws -> Bool {
        let key: [PostgresValue] = [.id(identity.serverID), .bytes(identity.sessionID.bytes)]
        return try await !session.query(
            Statements.noteSeen, key + PostgresAgentStore.values(host)
        ).isEmpty
    }

    /// Reads the agent's row.
    public func isNewest(_ identity: AgentIdentity, in session: Session) async throws -> Bool {
        try await !session.query(
            Statements.isNewest, [.id(identity.serverID), .bytes(identity.sessionID.bytes)]
        ).isEmpty
    }

    /// Queues the update; see ``AgentStore``.
    public func endSessionWithinTx(
        _ tx: Transaction, _ identity: AgentIdentity, reason: String
    ) async throws {
        tx.send(
            Statements.endSession,
            [.id(identity.serverID), .bytes(identity.sessionID.bytes), .text(reason)])
    }

    /// Queues the update; see ``AgentStore``.
    public func noteRefusalWithinTx(
        _ tx: Transaction, _ text: String, of serverID: ServerID
    ) async throws {
        tx.send(Statements.noteRefusal, [.id(serverID), .text(text)])
    }

    /// Updates the agent's row, then queues a delete and an insert; see ``AgentStore``.
    public func replaceOrphansWithinTx(
        _ tx: Transaction, _ orphans: [ServerOrphan], count: Int, of identity: AgentIdentity
    ) async throws {
        // The agent's row is the lock: of two inventories the later one stays as a whole.
        let noted = try await tx.query(
            Statements.noteOrphanCount,
            [
                .id(identity.serverID), .bytes(identity.sessionID.bytes),
                .int32(Int32(clamping: count)),
            ])
        guard !noted.isEmpty else { return }
        tx.send(Statements.deleteOrphans, [.id(identity.serverID)])
        guard !orphans.isEmpty else { return }
        tx.send(
            Statements.insertOrphans,
            [
                .id(identity.serverID), .textArray(orphans.map(\.kind.rawValue)),
                .textArray(orphans.map(\.name)),
            ])
    }

    /// Calls `pg_notify`.
    public func notify(
        _ channel: String, _ payload: String, in session: Session
    ) async throws {
        _ = try await session.query(Statements.notify, [.text(channel), .text(payload)])
    }

    private static func values(_ host: HostFacts) -> [PostgresValue] {
        [
            .text(host.hostname), .text(host.operatingSystem), .text(host.architecture),
            .text(host.dockerVersion), .int32(host.processors), .int64(host.memoryTotalBytes),
            .int64(host.memoryAvailableBytes), .int64(host.diskTotalBytes),
            .int64(host.diskAvailableBytes),
        ]
    }

    private enum Statements {
        static let takeToken = Statement(
            "registration_tokens_take",
            """
            WITH taken AS (
                DELETE FROM registration_tokens WHERE token_hash = $1 AND expires_at > now()
                RETURNING server_id
            )
            SELECT s.id, s.workspace_id, s.name FROM taken JOIN servers s ON s.id = taken.server_id
            """)
        static let replace = Statement(
            "agents_replace",
            """
            INSERT INTO agents (server_id, credential_hash, public_key, registered_at, agent_version)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (server_id) DO UPDATE SET credential_hash = excluded.credential_hash,
                public_key = excluded.public_key, registered_at = excluded.registered_at,
                agent_version = excluded.agent_version, session_id = NULL, session_ended_at = NULL,
                stream_end_reason = '', stream_ended_at = NULL, last_refusal = '',
                last_refused_at = NULL
            """)
        static let beginSession = Statement(
            "agents_begin_session",
            """
            UPDATE agents a SET session_id = $2, session_ended_at = NULL, last_seen_at = now(),
                agent_version = $3, hostname = $4, operating_system = $5, architecture = $6,
                docker_version = $7, processors = $8, memory_total_bytes = $9,
                memory_available_bytes = $10, disk_total_bytes = $11, disk_available_bytes = $12,
                stream_end_reason = CASE
                    WHEN a.session_id IS NOT NULL AND a.session_ended_at IS NULL
                    THEN 'a newer stream of this server began while it was open'
                    ELSE a.stream_end_reason END,
                stream_ended_at = CASE
                    WHEN a.session_id IS NOT NULL AND a.session_ended_at IS NULL
                    THEN now() ELSE a.stream_ended_at END
            FROM servers s WHERE a.credential_hash = $1 AND s.id = a.server_id
            RETURNING a.server_id, a.public_key, s.workspace_id, s.name
            """)
        static let noteSeen = Statement(
            "agents_note_seen",
            """
            UPDATE agents SET last_seen_at = now(), hostname = $3, operating_system = $4,
                architecture = $5, docker_version = $6, processors = $7, memory_total_bytes = $8,
                memory_available_bytes = $9, disk_total_bytes = $10, disk_available_bytes = $11
            WHERE server_id = $1 AND session_id = $2 RETURNING server_id
            """)
        static let isNewest = Statement(
            "agents_is_newest",
            "SELECT server_id FROM agents WHERE server_id = $1 AND session_id = $2")
        static let endSession = Statement(
            "agents_end_session",
            """
            UPDATE agents SET session_ended_at = now(), stream_ended_at = now(),
                stream_end_reason = $3
            WHERE server_id = $1 AND session_id = $2 AND session_ended_at IS NULL
            """)
        static let noteRefusal = Statement(
            "agents_note_refusal",
            "UPDATE agents SET last_refusal = $2, last_refused_at = now() WHERE server_id = $1")
        static let noteOrphanCount = Statement(
            "agents_note_orphan_count",
            """
            UPDATE agents SET orphan_count = $3
            WHERE server_id = $1 AND session_id = $2 RETURNING server_id
            """)
        static let deleteOrphans = Statement(
            "server_orphans_delete", "DELETE FROM server_orphans WHERE server_id = $1")
        static let insertOrphans = Statement(
            "server_orphans_insert",
            """
            INSERT INTO server_orphans (server_id, number, kind, name)
            SELECT $1, o.number, o.kind, o.name
            FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS o (kind, name, number)
            """)
        static let notify = Statement("agents_notify", "SELECT pg_notify($1, $2)")
    }
}
