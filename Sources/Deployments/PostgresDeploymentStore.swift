public import Domain
public import PostgresClient
import SQL

/// Deployments in PostgreSQL.
public struct PostgresDeploymentStore: DeploymentStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Queues the insert; see ``DeploymentStore``.
    public func insertWithinTx(_ tx: Transaction, _ deployment: NewDeployment) async throws {
        tx.send(
            Statements.insert,
            [
                .id(deployment.id), .id(deployment.serviceID), .id(deployment.environmentID),
                .id(deployment.workspaceID), .id(deployment.serverID),
                .text(deployment.trigger.rawValue), .text(deployment.image), .time(deployment.at),
            ])
    }

    /// Queues the check; see ``DeploymentStore``.
    public func requireQuotaWithinTx(
        _ tx: Transaction, serverID: ServerID, max: Int32
    ) async throws {
        tx.send(
            Statements.requireQuota, [.id(serverID), .int32(max)],
            onFailure: { error in
                guard error.constraintName == "deployments_waiting_per_server_max" else {
                    return error
                }
                return Problem(
                    .resourceExhausted,
                    "\(max) deployments wait for the server, its quota "
                        + "(deployments_waiting_per_server_max); try again later")
            })
    }

    /// Queues the update; see ``DeploymentStore``.
    public func cancelWaitingWithinTx(
        _ tx: Transaction, of serviceID: ServiceID, reason: String, at time: Timestamp
    ) async throws {
        tx.send(Statements.cancelWaiting, [.id(serviceID), .text(reason), .time(time)])
    }

    /// Reads one row by its key.
    public func find(_ id: DeploymentID, in session: Session) async throws -> Deployment? {
        try await session.query(Statements.find, [.id(id)]).first
            .map(PostgresDeploymentStore.deployment)
    }

    /// Reads a page by the service's index.
    public func list(
        of serviceID: ServiceID, after: DeploymentID?, limit: Int, in session: Session
    ) async throws -> [Deployment] {
        try await session.query(
            Statements.list,
            [.id(serviceID), after.map { .id($0) } ?? .null, .int64(Int64(limit))]
        ).map(PostgresDeploymentStore.deployment)
    }

    /// Queues the query for the newest row of each service.
    public func latestStates(
        of services: [ServiceID], in session: Session
    ) -> Pending<[ServiceID: DeploymentState]> {
        guard !services.isEmpty else { return Pending { [:] } }
        let rows =
            services.count == 1
            ? session.send(Statements.latestState, [.id(services[0])])
            : session.send(Statements.latestStates, [.textArray(services.map(\.description))])
        return Pending {
            var states: [ServiceID: DeploymentState] = [:]
            for row in try await rows.rows() {
                states[try row.id("service_id")] = try PostgresDeploymentStore.state(row)
            }
            return states
        }
    }

    private static func deployment(_ row: Row) throws -> Deployment {
        guard let trigger = NewDeployment.Trigger(rawValue: try row.text("trigger")) else {
            throw unreadable
        }
        return Deployment(
            id: try row.id("id"), serviceID: try row.id("service_id"),
            serverID: try row.id("server_id"), state: try state(row), trigger: trigger,
            image: try row.text("image"), message: try row.text("message"),
            createdAt: try row.time("created_at"), updatedAt: try row.time("updated_at"))
    }

    private static func state(_ row: Row) throws -> DeploymentState {
        guard let state = DeploymentState(rawValue: try row.text("state")) else { throw unreadable }
        return state
    }

    private static var unreadable: Problem {
        Problem(
            .internalFault, "a stored deployment cannot be read",
            privateContext: "deployments holds a state or trigger that this build lacks")
    }

    private enum Statements {
        static let insert = Statement(
            "deployments_insert",
            """
            INSERT INTO deployments (id, service_id, environment_id, workspace_id, server_id,
                state, trigger, image, wake_at, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $8, $8)
            """)
        static let cancelWaiting = Statement(
            "deployments_cancel_waiting",
            """
            UPDATE deployments SET state = 'cancelled', message = $2, updated_at = $3
            WHERE service_id = $1 AND state = 'queued'
            """)
        static let requireQuota = Statement(
            "deployments_require_quota", "SELECT require_deployment_quota($1, $2)")
        static let find = Statement(
            "deployments_find",
            """
            SELECT id, service_id, server_id, state, trigger, image, message, created_at, updated_at
            FROM deployments WHERE id = $1
            """)
        static let list = Statement(
            "deployments_list",
            """
            SELECT id, service_id, server_id, state, trigger, image, message, created_at, updated_at
            FROM deployments
            WHERE service_id = $1 AND ($2::uuid IS NULL OR id < $2)
            ORDER BY id DESC LIMIT $3
            """)
        // PostgreSQL plans the statement for several anew at each call, for it cannot know how many
        // an array holds; this one it plans once.
        static let latestState = Statement(
            "deployments_latest_state",
            """
            SELECT service_id, state FROM deployments
            WHERE service_id = $1 ORDER BY id DESC LIMIT 1
            """)
        static let latestStates = Statement(
            "deployments_latest_states",
            """
            SELECT s.id AS service_id, d.state
            FROM unnest($1::text[]::uuid[]) AS s (id)
            CROSS JOIN LATERAL (
                SELECT state FROM deployments WHERE service_id = s.id ORDER BY id DESC LIMIT 1
            ) AS d
            """)
    }
}
