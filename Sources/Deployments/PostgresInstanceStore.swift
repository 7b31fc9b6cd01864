public import Domain
public import PostgresClient
import SQL

/// What is known of services' containers, in PostgreSQL.
public struct PostgresInstanceStore: InstanceStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Reads the instances of the server's running deployments; see ``InstanceStore``.
    public func running(
        _ holder: LeaseHolder, surveyAge: Duration, in session: Session
    ) async throws -> [RunningInstance]? {
        let presence = session.send(
            Statements.isNewest, [.id(holder.serverID), .bytes(holder.session.bytes)])
        let rows = try await session.query(
            Statements.running,
            [
                .id(holder.serverID), .int64(surveyAge.inMilliseconds),
                .int64((surveyAge + EngineLimits.settleDuration).inMilliseconds),
            ])
        guard try await !presence.rows().isEmpty else { return nil }
        return try rows.map { row in
            guard
                let observed = RunningInstance.Observed(rawValue: try row.text("observed_state"))
            else { throw PostgresDeploymentStore.unreadable }
            return RunningInstance(
                serviceID: try row.id("service_id"), environmentID: try row.id("environment_id"),
                deploymentID: try row.id("running_deployment_id"), observed: observed,
                message: try row.text("observed_message"),
                restartCount: try row.int32("restart_count"),
                isSettling: try row.bool("is_settling"), isOutdated: try row.bool("is_outdated"),
                isAtWork: try row.bool("is_at_work"))
        }
    }

    /// Queues the update; see ``InstanceStore``.
    public func noteObservedWithinTx(_ tx: Transaction, _ observation: Observation) async throws {
        tx.send(
            Statements.noteObserved,
            [
                .id(observation.serviceID), .id(observation.deploymentID),
                .text(observation.observed.rawValue), .text(observation.message),
                .int32(observation.restartCount), .int64(observation.age.inMilliseconds),
            ])
    }

    /// Queues the update; see ``InstanceStore``.
    public func noteWorkedWithinTx(_ tx: Transaction, _ serviceID: ServiceID) async throws {
        tx.send(Statements.noteWorked, [.id(serviceID)])
    }

    /// Queues the update; see ``InstanceStore``.
    public func noteRestartFailedWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, reason: String, message: String
    ) async throws {
        tx.send(
            Statements.noteRestartFailed, [.id(serviceID), .text(reason), .text(message)])
    }

    /// Queues the lock; see ``InstanceStore``.
    public func lockWithinTx(_ tx: Transaction, _ serviceID: ServiceID) async throws {
        tx.send(Statements.lock, [.id(serviceID)])
    }

    /// Queues the update; see ``InstanceStore``.
    public func noteRestartedWithinTx(_ tx: Transaction, _ serviceID: ServiceID) async throws {
        tx.send(Statements.noteRestarted, [.id(serviceID)])
    }

    /// Queues two updates; see ``InstanceStore``.
    public func noteTornDownWithinTx(_ tx: Transaction, _ serviceID: ServiceID) async throws {
        tx.send(Statements.supersedeRunning, [.id(serviceID)])
        tx.send(Statements.noteTornDown, [.id(serviceID)])
    }

    /// Locks the instance, then counts; see ``InstanceStore``.
    public func recoverableWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, missing: DeploymentID
    ) async throws -> ServerID? {
        let locked = tx.send(Statements.lockMissing, [.id(serviceID), .id(missing)])
        // A statement of its own: it sees what was committed before the lock was had.
        let allowed = try await tx.query(
            Statements.mayRecover,
            [
                .id(serviceID), .int64(EngineLimits.recoverPause.components.seconds),
                .int64(EngineLimits.recoverWindow.components.seconds),
                .int64(Int64(EngineLimits.recoveriesMax)),
            ])
        guard let row = try await locked.rows().first,
            try allowed.first?.bool("may_recover") == true
        else { return nil }
        return try row.id("server_id")
    }

    /// Reads the running deployments of a server whose services are not being torn down.
    public func desired(
        on serverID: ServerID, in session: Session
    ) async throws -> [(service: ServiceID, deployment: DeploymentID)] {
        try await session.query(Statements.desired, [.id(serverID)]).map { row in
            (try row.id("service_id"), try row.id("running_deployment_id"))
        }
    }

    /// Reads all instances of the server: for what is asked seldom.
    public func known(
        among names: [String], on serverID: ServerID, in session: Session
    ) async throws -> Set<String> {
        let rows = try await session.query(
            Statements.known, [.id(serverID), .textArray(names)])
        return Set(try rows.map { try $0.text("name") })
    }

    /// Reads the instance and its server's presence; see ``InstanceStore``.
    public func whereabouts(
        of serviceID: ServiceID, in session: Session
    ) async throws -> Whereabouts? {
        try await session.query(Statements.whereabouts, [.id(serviceID)]).first.map { row in
            Whereabouts(
                serverID: try row.id("server_id"), isRunning: try row.bool("is_running"),
                hasContainer: try row.bool("has_container"),
                agentIsOnline: try row.bool("is_online"))
        }
    }

    /// Queues the read; see ``InstanceStore``.
    public func volume(
        of serviceID: ServiceID, in session: Session
    ) -> Pending<InstanceVolume?> {
        let rows = session.send(Statements.volume, [.id(serviceID)])
        return Pending {
            try await rows.rows().first.map { row in
                InstanceVolume(
                    name: try row.text("volume_name"), initialized: try row.bool("is_initialized"),
                    systemIdentifier: try row.text("system_identifier"),
                    image: try row.text("image"), pinnedImage: try row.text("pinned_image"))
            }
        }
    }

    enum Statements {
        static let isNewest = Statement(
            "instances_is_newest",
            "SELECT 1 FROM server_presence WHERE server_id = $1 AND session_id = $2")
        static let running = Statement(
            "instances_running",
            """
            SELECT i.service_id, i.environment_id, i.running_deployment_id, i.observed_state,
                i.observed_message, i.restart_count,
                coalesce(greatest(i.running_since, i.worked_at)
                    > now() - $3 * interval '1 millisecond', false) AS is_settling,
                coalesce(greatest(i.running_since, i.worked_at)
                    > now() - $2 * interval '1 millisecond', false) AS is_outdated,
                EXISTS (
                    SELECT FROM deployments d WHERE d.service_id = i.service_id
                        AND d.state IN ('claimed', 'pulling', 'starting', 'verifying')
                ) OR EXISTS (
                    SELECT FROM service_jobs j WHERE j.service_id = i.service_id
                        AND (j.lease_holder IS NOT NULL OR j.kind NOT IN ('restart', 'undo'))
                ) AS is_at_work
            FROM instances i
            WHERE i.server_id = $1 AND i.running_deployment_id IS NOT NULL
            """)
        static let noteObserved = Statement(
            "instances_note_observed",
            """
            UPDATE instances i
            SET observed_state = $3, observed_message = $4, observed_at = now(),
                restart_count = $5,
                restarted_at = CASE WHEN $5 > restart_count THEN now() ELSE restarted_at END
            WHERE i.service_id = $1 AND i.running_deployment_id = $2
                AND coalesce(greatest(i.running_since, i.worked_at)
                    <= now() - $6 * interval '1 millisecond', true)
                AND NOT EXISTS (
                    SELECT FROM deployments d WHERE d.service_id = i.service_id
                        AND d.state IN ('claimed', 'pulling', 'starting', 'verifying')
                ) AND NOT EXISTS (
                    SELECT FROM service_jobs j WHERE j.service_id = i.service_id
                        AND (j.lease_holder IS NOT NULL OR j.kind NOT IN ('restart', 'undo'))
                )
            """)
        static let lock = Statement(
            "instances_lock",
            "SELECT 1 FROM instances WHERE service_id = $1 FOR NO KEY UPDATE")
        static let noteRestarted = Statement(
            "instances_note_restarted",
            """
            UPDATE instances SET observed_state = 'running', observed_message = '',
                observed_at = now(), running_since = now(), restart_failure_reason = '',
                restart_failure_message = ''
            WHERE service_id = $1 AND running_deployment_id IS NOT NULL
            """)
        static let noteRestartFailed = Statement(
            "instances_note_restart_failed",
            """
            UPDATE instances SET restart_failure_reason = $2, restart_failure_message = $3
            WHERE service_id = $1
            """)
        static let noteWorked = Statement(
            "instances_note_worked",
            "UPDATE instances SET worked_at = now() WHERE service_id = $1")
        static let supersedeRunning = Statement(
            "instances_supersede_running",
            """
            UPDATE deployments SET state = 'superseded', message = 'the service was deleted',
                updated_at = now()
            WHERE service_id = $1 AND state = 'running'
            """)
        static let noteTornDown = Statement(
            "instances_note_torn_down",
            """
            UPDATE instances SET running_deployment_id = NULL, running_since = NULL,
                observed_state = 'running', observed_message = '', observed_at = now(),
                restart_count = 0, restarted_at = NULL, restart_failure_reason = '',
                restart_failure_message = ''
            WHERE service_id = $1
            """)
        static let lockMissing = Statement(
            "instances_lock_missing",
            """
            SELECT server_id FROM instances
            WHERE service_id = $1 AND running_deployment_id = $2 AND observed_state = 'missing'
            FOR NO KEY UPDATE
            """)
        static let mayRecover = Statement(
            "instances_may_recover",
            """
            SELECT NOT EXISTS (
                    SELECT FROM deployments WHERE service_id = $1
                        AND state IN ('queued', 'claimed', 'pulling', 'starting', 'verifying')
                ) AND NOT EXISTS (
                    SELECT FROM service_jobs
                    WHERE service_id = $1 AND kind NOT IN ('restart', 'undo')
                ) AND count(*) < $4
                AND coalesce(max(created_at) <= now() - $2 * interval '1 second', true)
                AS may_recover
            FROM deployments WHERE service_id = $1 AND trigger = 'recover'
                AND created_at > now() - $3 * interval '1 second'
            """)
        static let desired = Statement(
            "instances_desired",
            """
            SELECT i.service_id, i.running_deployment_id FROM instances i
            WHERE i.server_id = $1 AND i.running_deployment_id IS NOT NULL
                AND NOT EXISTS (
                    SELECT FROM service_jobs j
                    WHERE j.service_id = i.service_id AND j.kind = 'teardown'
                )
            ORDER BY i.service_id
            """)
        static let known = Statement(
            "instances_known",
            """
            SELECT volume_name AS name FROM instances
            WHERE server_id = $1 AND volume_name = ANY($2::text[])
            UNION
            SELECT n.name FROM unnest($2::text[]) AS n (name) JOIN environment_servers e
                ON e.server_id = $1 AND n.name = 'berth-env-' || e.environment_id
            """)
        static let whereabouts = Statement(
            "instances_whereabouts",
            """
            SELECT i.server_id, coalesce(p.online, false) AS is_online,
                i.running_deployment_id IS NOT NULL AS is_running,
                i.running_deployment_id IS NOT NULL OR EXISTS (
                    SELECT FROM deployments d WHERE d.service_id = i.service_id
                        AND d.state IN ('claimed', 'pulling', 'starting', 'verifying')
                ) AS has_container
            FROM instances i LEFT JOIN server_presence p ON p.server_id = i.server_id
            WHERE i.service_id = $1
            """)
        static let volume = Statement(
            "instances_volume",
            """
            SELECT volume_name, initialized_at IS NOT NULL AS is_initialized, system_identifier,
                image, pinned_image
            FROM instances WHERE service_id = $1
            """)
    }
}
