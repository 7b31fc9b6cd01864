public import Domain
public import PostgresClient
import SQL

/// Remembered create requests in PostgreSQL.
public struct PostgresCreateRequestStore: CreateRequestStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// See ``CreateRequestStore``. Two of the same at once: the second waits for the first's end.
    public func insertWithinTx(
        _ tx: Transaction, _ key: CreateRequestKey, serviceID: ServiceID,
        deploymentID: DeploymentID?, at time: Timestamp
    ) async throws {
        tx.send(
            Statements.insert,
            [
                .id(key.workspaceID), .id(key.userID), .text(key.requestID),
                .bytes(key.fingerprint), .id(serviceID), deploymentID.map { .id($0) } ?? .null,
                .time(time),
            ],
            onFailure: { error in
                guard error.constraintName == "create_requests_pkey" else { return error }
                return CreateRequestRepeated()
            })
    }

    /// Reads one row by its key.
    public func find(
        _ key: CreateRequestKey, in session: Session
    ) async throws -> StoredCreateRequest? {
        let values: [PostgresValue] = [
            .id(key.workspaceID), .id(key.userID), .text(key.requestID),
        ]
        return try await session.query(Statements.find, values).first.map { row in
            StoredCreateRequest(
                fingerprint: try row.bytes("fingerprint"), serviceID: try row.id("service_id"),
                deploymentID: try row.idIfPresent("deployment_id"),
                createdAt: try row.time("created_at"))
        }
    }

    /// Queues the delete of one row if it is old enough.
    public func forgetWithinTx(
        _ tx: Transaction, _ key: CreateRequestKey, olderThan expiry: Timestamp
    ) async throws {
        tx.send(
            Statements.forget,
            [.id(key.workspaceID), .id(key.userID), .text(key.requestID), .time(expiry)])
    }

    /// Deletes the oldest rows, passing over those that another sweep holds.
    public func sweepWithinTx(
        _ tx: Transaction, olderThan expiry: Timestamp, limit: Int
    ) async throws -> Int {
        try await tx.send(Statements.sweep, [.time(expiry), .int64(Int64(limit))])
            .affectedRowCount()
    }

    private enum Statements {
        static let insert = Statement(
            "create_requests_insert",
            """
            INSERT INTO create_requests (workspace_id, user_id, request_id, fingerprint,
                service_id, deployment_id, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """)
        static let find = Statement(
            "create_requests_find",
            """
            SELECT fingerprint, service_id, deployment_id, created_at FROM create_requests
            WHERE workspace_id = $1 AND user_id = $2 AND request_id = $3
            """)
        static let forget = Statement(
            "create_requests_forget",
            """
            DELETE FROM create_requests
            WHERE workspace_id = $1 AND user_id = $2 AND request_id = $3 AND created_at < $4
            """)
        static let sweep = Statement(
            "create_requests_sweep",
            """
            DELETE FROM create_requests
            WHERE (workspace_id, user_id, request_id) IN (
                SELECT workspace_id, user_id, request_id FROM create_requests
                WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            """)
    }
}
