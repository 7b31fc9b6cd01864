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
    public func admitWithinTx(
        _ tx: Transaction, _ deployment: NewDeployment, max: Int32
    ) async throws {
        tx.send(
            Statements.admit,
            [
                .id(deployment.environmentID), .id(deployment.workspaceID),
                .id(deployment.serverID), .int32(max),
            ],
            onFailure: { error in
                switch error.constraintName {
                case "deployments_waiting_per_server_max": Problem.tooManyWait(max)
                case "environment_lives_on_one_server": Problem.livesElsewhere(error.message)
                default: error
                }
            })
    }

    /// Updates the rows that wait; see ``DeploymentStore``.
    public func cancelWaitingWithinTx(
        _ tx: Transaction, of serviceID: ServiceID, reason: String
    ) async throws -> [ChangeNotice] {
        try await tx.query(Statements.cancelWaiting, [.id(serviceID), .text(reason)])
            .map { try PostgresDeploymentStore.notice($0, hasWork: false) }
    }

    /// Updates the rows that wait; see ``DeploymentStore``.
    public func supersedeWaitingWithinTx(
        _ tx: Transaction, of serviceID: ServiceID
    ) async throws -> [ChangeNotice] {
        try await tx.query(Statements.supersedeWaiting, [.id(serviceID)])
            .map { try PostgresDeploymentStore.notice($0, hasWork: false) }
    }

    /// Queues the update; see ``DeploymentStore``.
    public func requestCancelWithinTx(
        _ tx: Transaction, of serviceID: ServiceID
    ) async throws {
        tx.send(Statements.requestCancel, [.id(serviceID)])
    }

    /// Updates the row in the way that its state allows, then reads it.
    public func cancelWithinTx(
        _ tx: Transaction, _ id: DeploymentID, reason: String
    ) async throws -> (deployment: Deployment, changed: Bool)? {
        // Whoever waits for the row sees it as the other left it.
        let updated = tx.send(Statements.cancel, [.id(id), .text(reason)])
        guard let row = try await tx.query(Statements.find, [.id(id)]).first else { return nil }
        let changed = try await !updated.rows().isEmpty
        return (try PostgresDeploymentStore.deployment(row), changed)
    }

    /// Calls the schema's function, which locks the pin before it looks.
    public func releaseEnvironmentWithinTx(
        _ tx: Transaction, _ id: EnvironmentID
    ) async throws {
        tx.send(Statements.releaseEnvironment, [.id(id)])
    }

    /// Reads the newest row; see ``DeploymentStore``.
    public func newestServerWithinTx(
        _ tx: Transaction, of serviceID: ServiceID
    ) async throws -> ServerID? {
        try await tx.query(Statements.newestServer, [.id(serviceID)]).first?.id("server_id")
    }

    /// Updates the rows that were claimed too long ago; see ``DeploymentStore``.
    public func failOverdueWithinTx(
        _ tx: Transaction, limit: Int
    ) async throws -> [ChangeNotice] {
        try await tx.query(
            Statements.failOverdue,
            [.int64(EngineLimits.deadline.components.seconds), .int64(Int64(limit))]
        ).map { try PostgresDeploymentStore.notice($0, hasWork: true) }
    }

    /// Queues the read of one row by its key.
    public func find(_ id: DeploymentID, in session: Session) -> Pending<Deployment?> {
        let rows = session.send(Statements.find, [.id(id)])
        return Pending { try await rows.rows().first.map(PostgresDeploymentStore.deployment) }
    }

    /// Queues the read of a deployment's events.
    public func events(
        of id: DeploymentID, in session: Session
    ) -> Pending<[DeploymentEvent]> {
        let rows = session.send(Statements.events, [.id(id)])
        return Pending {
            try await rows.rows().map { row in
                DeploymentEvent(
                    state: try PostgresDeploymentStore.state(row),
                    message: try row.text("message"), at: try row.time("created_at"))
            }
        }
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

    /// Queues the query for the newest row of each service and what its agent saw.
    public func conditions(
        of services: [ServiceID], in session: Session
    ) -> Pending<[ServiceID: ServiceCondition]> {
        guard !services.isEmpty else { return Pending { [:] } }
        let limits: [PostgresValue] = [
            .int32(EngineLimits.restartsMax),
            .int64(EngineLimits.crashLoopWindow.components.seconds),
        ]
        // PostgreSQL plans the statement for several anew at each call, for it cannot know how many
        // an array holds; that for one it plans once.
        let rows =
            services.count == 1
            ? session.send(Statements.condition, [.id(services[0])] + limits)
            : session.send(
                Statements.conditions, [.textArray(services.map(\.description))] + limits)
        return Pending {
            var conditions: [ServiceID: ServiceCondition] = [:]
            for row in try await rows.rows() {
                conditions[try row.id("service_id")] =
                    try PostgresDeploymentStore.condition(row)
            }
            return conditions
        }
    }

    // MARK: Rows

    private static func deployment(_ row: Row) throws -> Deployment {
        guard let trigger = NewDeployment.Trigger(rawValue: try row.text("trigger")) else {
            throw unreadable
        }
        let state = try state(row)
        return Deployment(
            id: try row.id("id"), serviceID: try row.id("service_id"),
            environmentID: try row.id("environment_id"), serverID: try row.id("server_id"),
            state: state, trigger: trigger, image: try row.text("image"),
            pinnedImage: try row.text("pinned_image"), message: try row.text("message"),
            failure: state == .failed
                ? JobFailure(
                    reason: try row.text("failure_reason"), hint: try row.text("failure_hint"))
                : nil,
            attempt: try row.int32("attempt"),
            isCancelRequested: try row.bool("is_cancel_requested"),
            createdAt: try row.time("created_at"), updatedAt: try row.time("updated_at"))
    }

    private static func condition(_ row: Row) throws -> ServiceCondition {
        let container: ServiceCondition.Container
        if !(try row.bool("runs")) {
            container = .none
        } else if try row.text("observed_state") == RunningInstance.Observed.running.rawValue,
            !(try row.bool("is_looping"))
        {
            container = .running
        } else {
            container = .down(try row.text("observed_message"))
        }
        return ServiceCondition(
            newest: try state(row), message: try row.text("message"),
            reason: try row.text("failure_reason"), container: container,
            agentIsOnline: try row.bool("is_online"), obstacle: try row.text("obstacle"),
            awaitsNamesake: try row.bool("awaits_namesake"),
            restartFailure: try restartFailure(row))
    }

    private static func restartFailure(_ row: Row) throws -> ServiceCondition.RestartFailure? {
        let reason = try row.text("restart_failure_reason")
        guard !reason.isEmpty else { return nil }
        return ServiceCondition.RestartFailure(
            reason: reason, message: try row.text("restart_failure_message"))
    }

    static func state(_ row: Row) throws -> DeploymentState {
        guard let state = DeploymentState(rawValue: try row.text("state")) else { throw unreadable }
        return state
    }

    static func notice(_ row: Row, hasWork: Bool) throws -> ChangeNotice {
        ChangeNotice(
            hasWork: hasWork, serverID: try row.id("server_id"),
            environmentID: try row.id("environment_id"), serviceID: try row.id("service_id"),
            deploymentID: try row.id("id"))
    }

    static var unreadable: Problem {
        Problem(
            .internalFault, "a stored deployment cannot be read",
            privateContext: "deployments holds a state or trigger that this build lacks")
    }
}

extension PostgresDeploymentStore {
    // Columns are named one by one: `*` would break prepared statements when a column is added.
    enum Statements {
        static let insert = Statement(
            "deployments_insert",
            """
            INSERT INTO deployments (id, service_id, environment_id, workspace_id, server_id,
                state, trigger, image, wake_at, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $8, $8)
            """)
        static let admit = Statement(
            "deployments_admit", "SELECT admit_deployment($1, $2, $3, $4)")
        static let releaseEnvironment = Statement(
            "environments_release", "SELECT release_environment($1)")
        static let cancelWaiting = Statement(
            "deployments_cancel_waiting",
            """
            UPDATE deployments SET state = 'cancelled', message = $2, updated_at = now()
            WHERE service_id = $1 AND state = 'queued'
            RETURNING id, service_id, environment_id, server_id
            """)
        static let supersedeWaiting = Statement(
            "deployments_supersede_waiting",
            """
            UPDATE deployments SET state = 'superseded', updated_at = now(),
                message = 'a newer deployment was asked for'
            WHERE service_id = $1 AND state = 'queued'
            RETURNING id, service_id, environment_id, server_id
            """)
        static let requestCancel = Statement(
            "deployments_request_cancel",
            """
            UPDATE deployments SET cancel_requested_at = now(), updated_at = now()
            WHERE service_id = $1 AND state IN ('claimed', 'pulling', 'starting', 'verifying')
                AND cancel_requested_at IS NULL
            """)
        static let cancel = Statement(
            "deployments_cancel",
            """
            UPDATE deployments
            SET state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
                message = CASE WHEN state = 'queued' THEN $2 ELSE message END,
                cancel_requested_at = now(), updated_at = now()
            WHERE id = $1 AND cancel_requested_at IS NULL
                AND state IN ('queued', 'claimed', 'pulling', 'starting', 'verifying')
            RETURNING id
            """)
        static let newestServer = Statement(
            "deployments_newest_server",
            """
            SELECT server_id FROM deployments WHERE service_id = $1 ORDER BY number DESC LIMIT 1
            """)
        static let failOverdue = Statement(
            "deployments_fail_overdue",
            """
            WITH ended AS (
                UPDATE deployments
                SET state = CASE WHEN cancel_requested_at IS NULL THEN 'failed'
                        ELSE 'cancelled' END,
                    lease_holder = NULL, lease_until = NULL, updated_at = now(),
                    failure_reason = CASE WHEN cancel_requested_at IS NULL
                        THEN 'DEADLINE_EXCEEDED' ELSE '' END,
                    failure_hint = CASE WHEN cancel_requested_at IS NULL
                        THEN 'Look at the server and its agent, then deploy again.' ELSE '' END,
                    message = CASE WHEN cancel_requested_at IS NULL
                        THEN 'not running within ' || $1 / 60 || ' minutes' ELSE 'called off' END
                WHERE id IN (
                    SELECT id FROM deployments
                    WHERE state IN ('claimed', 'pulling', 'starting', 'verifying')
                        AND claimed_at < now() - $1 * interval '1 second'
                    ORDER BY claimed_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
                )
                RETURNING id, service_id, environment_id, server_id
            ), undone AS (
                INSERT INTO service_jobs (id, service_id, environment_id, server_id, kind, wake_at,
                    created_at)
                SELECT id, service_id, environment_id, server_id, 'undo', now(), now() FROM ended
            )
            SELECT id, service_id, environment_id, server_id FROM ended
            """)
        static let find = Statement(
            "deployments_find",
            """
            SELECT id, service_id, environment_id, server_id, state, trigger, image, pinned_image,
                message, failure_reason, failure_hint, attempt,
                cancel_requested_at IS NOT NULL AS is_cancel_requested, created_at, updated_at
            FROM deployments WHERE id = $1
            """)
        static let events = Statement(
            "deployments_events",
            """
            SELECT state, message, created_at FROM deployment_events
            WHERE deployment_id = $1 ORDER BY number
            """)
        static let list = Statement(
            "deployments_list",
            """
            SELECT id, service_id, environment_id, server_id, state, trigger, image, pinned_image,
                message, failure_reason, failure_hint, attempt,
                cancel_requested_at IS NOT NULL AS is_cancel_requested, created_at, updated_at
            FROM deployments
            WHERE service_id = $1 AND ($2::uuid IS NULL
                OR number < (SELECT number FROM deployments WHERE id = $2))
            ORDER BY number DESC LIMIT $3
            """)
        // A deleted service has one job of its removal at most. The name is looked for service by service:
        // as an EXISTS PostgreSQL would look through all services first.
        static let condition = Statement(
            "deployments_condition",
            """
            SELECT d.service_id, d.state, d.message, d.failure_reason,
                i.running_deployment_id IS NOT NULL AS runs,
                coalesce(i.restart_failure_reason, '') AS restart_failure_reason,
                coalesce(i.restart_failure_message, '') AS restart_failure_message,
                coalesce(i.observed_state, '') AS observed_state,
                coalesce(i.observed_message, '') AS observed_message,
                coalesce(i.restart_count >= $2
                    AND i.restarted_at > now() - $3 * interval '1 second', false) AS is_looping,
                coalesce(p.online, false) AS is_online, coalesce((
                    SELECT j.message FROM service_jobs j
                    WHERE j.service_id = d.service_id AND j.kind IN ('teardown', 'purge') LIMIT 1
                ), '') AS obstacle,
                CASE d.state WHEN 'queued' THEN coalesce((
                    SELECT true FROM services_held_back h WHERE h.service_id = d.service_id
                ), false) ELSE false END AS awaits_namesake
            FROM (
                SELECT service_id, server_id, state, message, failure_reason FROM deployments
                WHERE service_id = $1 ORDER BY number DESC LIMIT 1
            ) AS d
            LEFT JOIN instances i ON i.service_id = d.service_id
            LEFT JOIN server_presence p ON p.server_id = d.server_id
            """)
        static let conditions = Statement(
            "deployments_conditions",
            """
            SELECT s.id AS service_id, d.state, d.message, d.failure_reason,
                i.running_deployment_id IS NOT NULL AS runs,
                coalesce(i.restart_failure_reason, '') AS restart_failure_reason,
                coalesce(i.restart_failure_message, '') AS restart_failure_message,
                coalesce(i.observed_state, '') AS observed_state,
                coalesce(i.observed_message, '') AS observed_message,
                coalesce(i.restart_count >= $2
                    AND i.restarted_at > now() - $3 * interval '1 second', false) AS is_looping,
                coalesce(p.online, false) AS is_online, coalesce(j.message, '') AS obstacle,
                CASE d.state WHEN 'queued' THEN coalesce((
                    SELECT true FROM services_held_back h WHERE h.service_id = d.service_id
                ), false) ELSE false END AS awaits_namesake
            FROM unnest($1::text[]::uuid[]) AS s (id)
            CROSS JOIN LATERAL (
                SELECT service_id, server_id, state, message, failure_reason FROM deployments
                WHERE service_id = s.id ORDER BY number DESC LIMIT 1
            ) AS d
            LEFT JOIN instances i ON i.service_id = s.id
            LEFT JOIN service_jobs j ON j.service_id = s.id AND j.kind IN ('teardown', 'purge')
            LEFT JOIN server_presence p ON p.server_id = d.server_id
            """)
    }
}

extension Problem {
    fileprivate static func tooManyWait(_ max: Int32) -> Problem {
        Problem(
            .resourceExhausted,
            "\(max) deployments wait for the server, its quota "
                + "(deployments_waiting_per_server_max); try again later")
    }

    /// - Parameter server: Its id, a space, its name.
    fileprivate static func livesElsewhere(_ server: String) -> Problem {
        let parts = server.split(separator: " ", maxSplits: 1).map(String.init)
        let id = parts.first ?? ""
        let name = parts.count == 2 ? " '\(parts[1])'" : ""
        return Problem(
            .failedPrecondition,
            "the environment lives on server \(id)\(name); all of its services run there")
    }
}
