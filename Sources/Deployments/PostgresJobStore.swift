public import Domain
public import PostgresClient
import SQL

/// What came of the work, in PostgreSQL.
public struct PostgresJobStore: JobStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Locks the service's instance and the job's row; see ``JobStore``.
    public func lockWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder, _ reference: JobReference, serviceID: ServiceID
    ) async throws -> LockedJob? {
        let presence = tx.send(
            Statements.isNewest, [.id(holder.serverID), .bytes(holder.session.bytes)])
        // In the order of a claim, so that neither waits for the other.
        let instances = tx.send(Statements.lockInstance, [.id(serviceID), .id(holder.serverID)])
        let place: [PostgresValue] = [
            .id(reference.jobID), .id(serviceID), .id(holder.serverID),
            .int64(reference.fencingToken), .text(holder.session.text),
        ]
        let deployments = tx.send(Statements.lockDeployment, place)
        let jobs = try await tx.query(Statements.lockJob, place)
        guard try await !presence.rows().isEmpty, let instance = try await instances.rows().first
        else { return nil }
        if let row = try await deployments.rows().first {
            return .deployment(
                LockedJob.LockedDeployment(
                    id: try row.id("id"), environmentID: try row.id("environment_id"),
                    state: try PostgresDeploymentStore.state(row),
                    attempt: try row.int32("attempt"), isHeld: try row.bool("is_held"),
                    isCancelRequested: try row.bool("is_cancel_requested"),
                    systemIdentifier: try instance.text("system_identifier")))
        }
        return try jobs.first.map { row in
            .other(
                try PostgresJobStore.kind(row), attempt: try row.int32("attempt"),
                try row.id("environment_id"))
        }
    }

    /// Queues the update; see ``JobStore``.
    public func advanceWithinTx(
        _ tx: Transaction, _ id: DeploymentID, to state: DeploymentState, message: String
    ) async throws {
        tx.send(
            Statements.advance,
            [
                .id(id), .text(state.rawValue), .text(message),
                .int64(EngineLimits.lease.components.seconds),
            ])
    }

    /// Queues two updates: what is known stays known, what is not is filled in.
    public func noteOutcomeWithinTx(
        _ tx: Transaction, _ id: DeploymentID, of serviceID: ServiceID, _ outcome: JobOutcome
    ) async throws {
        if !outcome.pinnedImage.isEmpty {
            tx.send(Statements.notePinnedImage, [.id(id), .text(outcome.pinnedImage)])
        }
        tx.send(
            Statements.noteData,
            [
                .id(serviceID), .bool(outcome.initialized), .text(outcome.systemIdentifier),
                .text(outcome.volumeName),
            ])
    }

    /// Queues three updates; the schema allows one running deployment a service at any moment.
    public func succeedWithinTx(
        _ tx: Transaction, _ id: DeploymentID, of serviceID: ServiceID, message: String
    ) async throws {
        tx.send(
            Statements.supersedeRunning, [.id(serviceID), .text("a newer deployment runs")])
        tx.send(Statements.succeed, [.id(id), .text(message)])
        tx.send(Statements.noteRunning, [.id(serviceID), .id(id)])
    }

    /// Queues the update; see ``JobStore``.
    public func failWithinTx(
        _ tx: Transaction, _ id: DeploymentID, message: String, _ failure: JobFailure
    ) async throws {
        tx.send(
            Statements.fail,
            [.id(id), .text(message), .text(failure.reason), .text(failure.hint)])
    }

    /// Queues the insert; see ``JobStore``.
    public func queueUndoWithinTx(_ tx: Transaction, of id: DeploymentID) async throws {
        tx.send(Statements.queueUndo, [.id(id)])
    }

    /// Queues the update; see ``JobStore``.
    public func cancelledWithinTx(
        _ tx: Transaction, _ id: DeploymentID, message: String
    ) async throws {
        tx.send(Statements.cancelled, [.id(id), .text(message)])
    }

    /// Queues the update; see ``JobStore``.
    public func releaseWithinTx(_ tx: Transaction, _ id: DeploymentID) async throws {
        tx.send(Statements.release, [.id(id)])
    }

    /// Reads the job in either table; see ``JobStore``.
    public func serviceWithinTx(_ tx: Transaction, of id: JobID) async throws -> ServiceID? {
        try await tx.query(Statements.findService, [.id(id)]).first?.id("service_id")
    }

    /// Queues the update; see ``JobStore``.
    public func refusedWithinTx(
        _ tx: Transaction, _ id: DeploymentID, reason: String, message: String, after: Duration
    ) async throws {
        tx.send(
            Statements.refused,
            [.id(id), .text(reason), .text(message), .int64(after.components.seconds)])
    }

    /// Queues the update; see ``JobStore``.
    public func holdJobWithinTx(_ tx: Transaction, _ id: JobID) async throws {
        tx.send(
            Statements.holdJob, [.id(id), .int64(EngineLimits.lease.components.seconds)])
    }

    /// Queues the delete; see ``JobStore``.
    public func endJobWithinTx(_ tx: Transaction, _ id: JobID) async throws {
        tx.send(Statements.endJob, [.id(id)])
    }

    /// Queues the update; see ``JobStore``.
    public func retryJobWithinTx(
        _ tx: Transaction, _ id: JobID, after pause: Duration, message: String
    ) async throws {
        tx.send(
            Statements.retryJob, [.id(id), .int64(pause.components.seconds), .text(message)])
    }

    /// Inserts the row from the service's instance; see ``JobStore``.
    public func queueJobWithinTx(
        _ tx: Transaction, _ id: JobID, _ kind: ServiceJobKind, of serviceID: ServiceID
    ) async throws -> Bool {
        let values: [PostgresValue] = [.id(serviceID), .text(kind.rawValue)]
        tx.send(Statements.queueJob, values + [.id(id)])
        return try await !tx.query(Statements.findJob, values).isEmpty
    }

    /// Queues the delete; see ``JobStore``.
    public func dropJobWithinTx(
        _ tx: Transaction, _ kind: ServiceJobKind, of serviceID: ServiceID
    ) async throws {
        tx.send(Statements.dropJob, [.id(serviceID), .text(kind.rawValue)])
    }

    /// Reads the job; see ``JobStore``.
    public func isJobBegunWithinTx(
        _ tx: Transaction, _ kind: ServiceJobKind, of serviceID: ServiceID
    ) async throws -> Bool {
        let rows = try await tx.query(
            Statements.findJob, [.id(serviceID), .text(kind.rawValue)])
        return try rows.first?.bool("is_begun") ?? false
    }

    static func kind(_ row: Row) throws -> ServiceJobKind {
        guard let kind = ServiceJobKind(rawValue: try row.text("kind")) else {
            throw Problem(
                .internalFault, "a stored job cannot be read",
                privateContext: "service_jobs holds a kind that this build lacks")
        }
        return kind
    }

    private enum Statements {
        static let isNewest = Statement(
            "jobs_is_newest",
            "SELECT 1 FROM server_presence WHERE server_id = $1 AND session_id = $2")
        static let lockInstance = Statement(
            "jobs_lock_instance",
            """
            SELECT system_identifier FROM instances
            WHERE service_id = $1 AND server_id = $2 FOR NO KEY UPDATE
            """)
        static let lockDeployment = Statement(
            "jobs_lock_deployment",
            """
            SELECT id, environment_id, state, attempt,
                coalesce(lease_holder = $5, false) AS is_held,
                cancel_requested_at IS NOT NULL AS is_cancel_requested
            FROM deployments
            WHERE id = $1 AND service_id = $2 AND server_id = $3 AND fencing_token = $4
            FOR NO KEY UPDATE
            """)
        static let lockJob = Statement(
            "jobs_lock",
            """
            SELECT id, environment_id, kind, attempt FROM service_jobs
            WHERE id = $1 AND service_id = $2 AND server_id = $3 AND fencing_token = $4
                AND lease_holder = $5
            FOR NO KEY UPDATE
            """)
        static let advance = Statement(
            "jobs_advance",
            """
            UPDATE deployments SET state = $2, message = $3, refusal = '', updated_at = now(),
                lease_until = now() + $4 * interval '1 second'
            WHERE id = $1
            """)
        static let notePinnedImage = Statement(
            "jobs_note_pinned_image",
            "UPDATE deployments SET pinned_image = $2 WHERE id = $1")
        static let noteData = Statement(
            "jobs_note_data",
            """
            UPDATE instances
            SET volume_name = CASE WHEN initialized_at IS NULL AND $4 <> '' THEN $4
                    ELSE volume_name END,
                initialized_at = coalesce(initialized_at, CASE WHEN $2 THEN now() END),
                system_identifier = CASE WHEN system_identifier = '' THEN $3
                    ELSE system_identifier END
            WHERE service_id = $1
            """)
        static let supersedeRunning = Statement(
            "jobs_supersede_running",
            """
            UPDATE deployments SET state = 'superseded', message = $2, updated_at = now()
            WHERE service_id = $1 AND state = 'running'
            """)
        static let succeed = Statement(
            "jobs_succeed",
            """
            UPDATE deployments SET state = 'running', message = $2, lease_holder = NULL,
                lease_until = NULL, updated_at = now()
            WHERE id = $1
            """)
        static let noteRunning = Statement(
            "jobs_note_running",
            """
            UPDATE instances i
            SET running_deployment_id = d.id, running_since = now(), observed_state = 'running',
                observed_message = '', observed_at = now(), restart_count = 0,
                restarted_at = NULL, restart_failure_reason = '', restart_failure_message = '',
                image = d.image,
                pinned_image = CASE WHEN d.pinned_image <> '' THEN d.pinned_image
                    WHEN i.image = d.image THEN i.pinned_image ELSE '' END
            FROM deployments d WHERE i.service_id = $1 AND d.id = $2
            """)
        static let fail = Statement(
            "jobs_fail",
            """
            UPDATE deployments SET state = 'failed', message = $2, failure_reason = $3,
                failure_hint = $4, lease_holder = NULL, lease_until = NULL, updated_at = now()
            WHERE id = $1
            """)
        static let cancelled = Statement(
            "jobs_cancelled",
            """
            UPDATE deployments SET state = 'cancelled', message = $2, lease_holder = NULL,
                lease_until = NULL, updated_at = now()
            WHERE id = $1
            """)
        static let release = Statement(
            "jobs_release", "UPDATE deployments SET lease_until = now() WHERE id = $1")
        // An undo has the id of its deployment: both name the same service.
        static let findService = Statement(
            "jobs_find_service",
            """
            SELECT service_id FROM deployments WHERE id = $1
            UNION SELECT service_id FROM service_jobs WHERE id = $1
            """)
        static let refused = Statement(
            "jobs_refused",
            """
            UPDATE deployments SET refusal = $2, message = $3, updated_at = now(),
                lease_until = now() + $4 * interval '1 second'
            WHERE id = $1
            """)
        static let holdJob = Statement(
            "jobs_hold",
            """
            UPDATE service_jobs SET lease_until = now() + $2 * interval '1 second' WHERE id = $1
            """)
        static let endJob = Statement("jobs_end", "DELETE FROM service_jobs WHERE id = $1")
        static let retryJob = Statement(
            "jobs_retry",
            """
            UPDATE service_jobs SET lease_holder = NULL, lease_until = NULL, message = $3,
                wake_at = now() + $2 * interval '1 second'
            WHERE id = $1
            """)
        static let queueJob = Statement(
            "jobs_queue",
            """
            INSERT INTO service_jobs (id, service_id, environment_id, server_id, kind, wake_at,
                created_at)
            SELECT $3, service_id, environment_id, server_id, $2, now(), now()
            FROM instances WHERE service_id = $1 AND fencing_token > 0
            ON CONFLICT (service_id, kind) WHERE kind <> 'undo' DO NOTHING
            """)
        static let queueUndo = Statement(
            "jobs_queue_undo",
            """
            INSERT INTO service_jobs (id, service_id, environment_id, server_id, kind, wake_at,
                created_at)
            SELECT id, service_id, environment_id, server_id, 'undo', now(), now()
            FROM deployments WHERE id = $1
            """)
        static let findJob = Statement(
            "jobs_find",
            """
            SELECT attempt > 0 AS is_begun FROM service_jobs
            WHERE service_id = $1 AND kind = $2
            """)
        static let dropJob = Statement(
            "jobs_drop",
            """
            DELETE FROM service_jobs WHERE service_id = $1 AND kind = $2 AND lease_holder IS NULL
                AND (kind <> 'purge' OR attempt = 0)
            """)
    }
}
