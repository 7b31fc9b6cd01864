import PostgresClient
import SQL

/// How many rows of each kind one create call has left.
struct CreatedRows: Equatable, CustomStringConvertible {
    var services: Int64
    var configEntries: Int64
    var deployments: Int64
    var auditEvents: Int64
    var createRequests: Int64

    static let none = CreatedRows(
        services: 0, configEntries: 0, deployments: 0, auditEvents: 0, createRequests: 0)
    static let all = CreatedRows(
        services: 1, configEntries: 3, deployments: 1, auditEvents: 1, createRequests: 1)

    var description: String {
        "\(services) services, \(configEntries) config entries, \(deployments) deployments, "
            + "\(auditEvents) audit events, \(createRequests) create requests"
    }

    /// Counts what the create of that service by that request left.
    static func count(
        name: String, requestID: String, _ sessions: ConnectionPool
    ) async throws -> CreatedRows {
        try await sessions.inSession { session in
            guard
                let row = try await session.query(statement, [.text(name), .text(requestID)]).first
            else { return .none }
            return CreatedRows(
                services: try row.int64("services"), configEntries: try row.int64("config_entries"),
                deployments: try row.int64("deployments"),
                auditEvents: try row.int64("audit_events"),
                createRequests: try row.int64("create_requests"))
        }
    }

    private static let statement = Statement(
        "count_created",
        """
        WITH s AS (SELECT id FROM services WHERE name = $1)
        SELECT (SELECT count(*) FROM s) AS services,
            (SELECT count(*) FROM config_entries c JOIN s ON c.service_id = s.id)
                AS config_entries,
            (SELECT count(*) FROM deployments d JOIN s ON d.service_id = s.id) AS deployments,
            (SELECT count(*) FROM audit_events WHERE request_id = $2) AS audit_events,
            (SELECT count(*) FROM create_requests WHERE request_id = $2) AS create_requests
        """)
}
