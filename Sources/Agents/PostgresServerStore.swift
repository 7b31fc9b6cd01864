public import Domain
public import PostgresClient
import SQL

/// Servers and their registration tokens in PostgreSQL.
public struct PostgresServerStore: ServerStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Queues the insert; see ``ServerStore``.
    public func insertWithinTx(_ tx: Transaction, _ server: Server) async throws {
        tx.send(
            Statements.insert,
            [
                .id(server.id), .id(server.workspaceID), .text(server.name),
                .time(server.createdAt),
            ])
    }

    /// Queues the insert; see ``ServerStore``.
    public func putTokenWithinTx(
        _ tx: Transaction, of serverID: ServerID, hash: [UInt8], expiresAt: Timestamp,
        at time: Timestamp
    ) async throws {
        tx.send(
            Statements.putToken, [.id(serverID), .bytes(hash), .time(expiresAt), .time(time)])
    }

    /// Reads one row by its key.
    public func find(_ id: ServerID, in session: Session) async throws -> Server? {
        try await session.query(Statements.find, [.id(id)]).first.map(PostgresServerStore.server)
    }

    /// Reads a page by the workspace's index.
    public func list(
        of workspaceID: WorkspaceID, after: ServerID?, limit: Int, in session: Session
    ) async throws -> [Server] {
        try await session.query(
            Statements.list,
            [.id(workspaceID), after.map { .id($0) } ?? .null, .int64(Int64(limit))]
        ).map(PostgresServerStore.server)
    }

    /// Reads the rows of a server.
    public func orphans(
        of id: ServerID, in session: Session
    ) async throws -> [ServerOrphan] {
        try await session.query(Statements.orphans, [.id(id)]).map { row in
            guard let kind = ServerOrphan.Kind(rawValue: try row.text("kind")) else {
                throw Problem(
                    .internalFault, "a stored server cannot be read",
                    privateContext: "server_orphans holds a kind that this build lacks")
            }
            return ServerOrphan(kind: kind, name: try row.text("name"))
        }
    }

    private static func event(
        _ row: Row, _ text: StaticString, _ time: StaticString
    ) throws -> AgentEvent? {
        guard let at = try row.timeIfPresent(time) else { return nil }
        return AgentEvent(text: try row.text(text), at: at)
    }

    private static func server(_ row: Row) throws -> Server {
        Server(
            id: try row.id("id"), workspaceID: try row.id("workspace_id"),
            name: try row.text("name"), createdAt: try row.time("created_at"),
            agent: try row.bool("registered") ? agent(row) : nil)
    }

    private static func agent(_ row: Row) throws -> ServerAgent {
        var host = HostFacts()
        host.hostname = try row.text("hostname")
        host.operatingSystem = try row.text("operating_system")
        host.architecture = try row.text("architecture")
        host.dockerVersion = try row.text("docker_version")
        host.processors = try row.int32("processors")
        host.memoryTotalBytes = try row.int64("memory_total_bytes")
        host.memoryAvailableBytes = try row.int64("memory_available_bytes")
        host.diskTotalBytes = try row.int64("disk_total_bytes")
        host.diskAvailableBytes = try row.int64("disk_available_bytes")
        return ServerAgent(
            isOnline: try row.bool("online"), lastSeenAt: try row.timeIfPresent("last_seen_at"),
            version: try row.text("agent_version"), host: host,
            streamEnd: try event(row, "stream_end_reason", "stream_ended_at"),
            refusal: try event(row, "last_refusal", "last_refused_at"),
            orphanCount: try row.int32("orphan_count"))
    }

    enum Statements {
        static let insert = Statement(
            "servers_insert",
            "INSERT INTO servers (id, workspace_id, name, created_at) VALUES ($1, $2, $3, $4)")
        static let putToken = Statement(
            "registration_tokens_put",
            """
            INSERT INTO registration_tokens (server_id, token_hash, expires_at, created_at)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (server_id) DO UPDATE SET token_hash = excluded.token_hash,
                expires_at = excluded.expires_at, created_at = excluded.created_at
            """)
        static let find = Statement(
            "servers_find",
            """
            SELECT s.id, s.workspace_id, s.name, s.created_at, a.server_id IS NOT NULL AS registered,
                p.online, a.last_seen_at, a.agent_version, a.hostname, a.operating_system,
                a.architecture, a.docker_version, a.processors, a.memory_total_bytes,
                a.memory_available_bytes, a.disk_total_bytes, a.disk_available_bytes,
                a.stream_end_reason, a.stream_ended_at, a.last_refusal, a.last_refused_at,
                a.orphan_count
            FROM servers s
            LEFT JOIN agents a ON a.server_id = s.id
            LEFT JOIN server_presence p ON p.server_id = s.id
            WHERE s.id = $1
            """)
        static let orphans = Statement(
            "servers_orphans",
            "SELECT kind, name FROM server_orphans WHERE server_id = $1 ORDER BY number")
        static let list = Statement(
            "servers_list",
            """
            SELECT s.id, s.workspace_id, s.name, s.created_at, a.server_id IS NOT NULL AS registered,
                p.online, a.last_seen_at, a.agent_version, a.hostname, a.operating_system,
                a.architecture, a.docker_version, a.processors, a.memory_total_bytes,
                a.memory_available_bytes, a.disk_total_bytes, a.disk_available_bytes,
                a.stream_end_reason, a.stream_ended_at, a.last_refusal, a.last_refused_at,
                a.orphan_count
            FROM servers s
            LEFT JOIN agents a ON a.server_id = s.id
            LEFT JOIN server_presence p ON p.server_id = s.id
            WHERE s.workspace_id = $1 AND ($2::uuid IS NULL OR s.id < $2)
            ORDER BY s.id DESC LIMIT $3
            """)
    }
}
