public import Domain
public import PostgresClient
import SQL

/// The right to work, in PostgreSQL.
///
/// Who claims locks the services' instances, then looks again: what it sees from then on nobody else
/// claims. Sessions are compared by their text.
public struct PostgresClaimStore: ClaimStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Locks the agent's row and counts leases that are in force.
    public func heldByNewestWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder
    ) async throws -> Int? {
        let rows = try await tx.query(
            Statements.held,
            [.id(holder.serverID), .bytes(holder.session.bytes), .text(holder.session.text)])
        return try rows.first.map { Int(try $0.int64("held")) }
    }

    /// See ``ClaimStore``. Two round trips: what can be claimed, and the claims.
    public func claimWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder, limit: Int
    ) async throws -> Claims {
        let session = PostgresValue.text(holder.session.text)
        tx.send(Statements.addInstances, [.id(holder.serverID)])
        let free = try await tx.query(
            Statements.lockFree, [.id(holder.serverID), session, .int64(Int64(limit))]
        ).map { row -> ServiceID in try row.id("service_id") }
        guard !free.isEmpty else { return .none }
        let services = PostgresValue.textArray(free.map(\.description))
        let lease = PostgresValue.int64(EngineLimits.lease.components.seconds)
        let attempts = PostgresValue.int32(EngineLimits.attemptsMax)
        let deadline = PostgresValue.int64(EngineLimits.deadline.components.seconds)
        let changed = [
            tx.send(Statements.cancelDeleted, [services, session]),
            tx.send(Statements.giveUp, [services, session, attempts, deadline]),
            tx.send(Statements.supersede, [services]),
        ]
        let restarts = tx.send(Statements.giveUpJobs, [services, session, attempts])
        tx.send(Statements.raiseTokens, [services])
        let claimed = tx.send(Statements.claimDeployments, [services, session, lease])
        tx.send(Statements.dropRestarts, [services])
        let jobs = try await tx.query(Statements.claimJobs, [services, session, lease])
        var notices: [ChangeNotice] = []
        for rows in changed + [claimed] {
            notices += try await rows.rows().map {
                try PostgresDeploymentStore.notice($0, hasWork: false)
            }
        }
        for row in try await restarts.rows() {
            notices.append(
                ChangeNotice(
                    hasWork: false, serverID: try row.id("server_id"),
                    environmentID: try row.id("environment_id"),
                    serviceID: try row.id("service_id"), deploymentID: nil))
        }
        return Claims(
            deployments: try await claimed.rows().map(PostgresClaimStore.deployment),
            jobs: try jobs.map(PostgresClaimStore.job), notices: notices)
    }

    /// Updates the deployments that were called off, so that each agent is told once a claim.
    public func cancelsWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder
    ) async throws -> [(reference: JobReference, serviceID: ServiceID)] {
        try await tx.query(
            Statements.cancels, [.id(holder.serverID), .text(holder.session.text)]
        ).map { row in
            (
                JobReference(jobID: try row.id("id"), fencingToken: try row.int64("fencing_token")),
                try row.id("service_id")
            )
        }
    }

    /// Queues the query; milliseconds, rounded up, so that whoever waits for so long is not too early.
    public func pauseLeftWithinTx(_ tx: Transaction, _ holder: LeaseHolder) -> Pending<Duration?> {
        let rows = tx.send(
            Statements.pauseLeft, [.id(holder.serverID), .text(holder.session.text)])
        return Pending {
            try await rows.rows().first?.int64IfPresent("milliseconds").map { .milliseconds($0) }
        }
    }

    /// Locks the agent's row and updates leases in both tables.
    public func renewWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder, jobs: [JobReference]
    ) async throws -> Set<JobReference> {
        try await leasesWithinTx(
            tx, holder, jobs, Statements.renewDeployments, Statements.renewJobs)
    }

    /// Locks the agent's row and gives leases in both tables to the holder.
    public func adoptWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder, jobs: [JobReference]
    ) async throws -> Set<JobReference> {
        try await leasesWithinTx(
            tx, holder, jobs, Statements.adoptDeployments, Statements.adoptJobs)
    }

    private func leasesWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder, _ jobs: [JobReference],
        _ ofDeployments: Statement, _ ofJobs: Statement
    ) async throws -> Set<JobReference> {
        let values: [PostgresValue] = [
            .textArray(jobs.map(\.jobID.description)),
            .textArray(jobs.map { String($0.fencingToken) }), .text(holder.session.text),
            .id(holder.serverID), .bytes(holder.session.bytes),
            .int64(EngineLimits.lease.components.seconds),
        ]
        tx.send(Statements.lockNewest, [.id(holder.serverID), .bytes(holder.session.bytes)])
        let deployments = tx.send(ofDeployments, values)
        let others = try await tx.query(ofJobs, values)
        return try PostgresClaimStore.references(try await deployments.rows() + others)
    }

    private static func references(_ rows: [Row]) throws -> Set<JobReference> {
        Set(
            try rows.map { row in
                JobReference(
                    jobID: try row.id("id"), fencingToken: try row.int64("fencing_token"))
            })
    }

    private static func deployment(_ row: Row) throws -> Claims.ClaimedDeployment {
        Claims.ClaimedDeployment(
            id: try row.id("id"), fencingToken: try row.int64("fencing_token"),
            serviceID: try row.id("service_id"), environmentID: try row.id("environment_id"),
            image: try row.text("image"))
    }

    private static func job(_ row: Row) throws -> Claims.ClaimedJob {
        Claims.ClaimedJob(
            reference: JobReference(
                jobID: try row.id("id"), fencingToken: try row.int64("fencing_token")),
            kind: try PostgresJobStore.kind(row), serviceID: try row.id("service_id"),
            environmentID: try row.id("environment_id"))
    }
}

extension AgentSessionID {
    /// What a lease names the session by.
    var text: String { Hexadecimal.text(bytes) }
}

extension PostgresClaimStore {
    enum Statements {
        // The lock keeps a newer session from beginning; all that touches the rows of several services
        // of a server waits for it, so that the order of those rows does not matter.
        static let held = Statement(
            "claims_held",
            """
            SELECT (
                SELECT count(*) FROM deployments
                WHERE server_id = $1 AND state IN ('claimed', 'pulling', 'starting', 'verifying')
                    AND lease_holder = $3 AND lease_until > now()
            ) + (
                SELECT count(*) FROM service_jobs
                WHERE server_id = $1 AND lease_holder = $3 AND lease_until > now()
            ) AS held
            FROM server_presence WHERE server_id = $1 AND session_id = $2 FOR NO KEY UPDATE
            """)
        static let lockNewest = Statement(
            "claims_lock_newest",
            """
            SELECT 1 FROM server_presence WHERE server_id = $1 AND session_id = $2
            FOR NO KEY UPDATE
            """)
        static let addInstances = Statement(
            "claims_add_instances",
            """
            INSERT INTO instances (service_id, environment_id, workspace_id, server_id, volume_name)
            SELECT DISTINCT service_id, environment_id, workspace_id, server_id,
                'berth-data-' || service_id
            FROM deployments d WHERE server_id = $1 AND state = 'queued'
                AND NOT EXISTS (SELECT FROM instances i WHERE i.service_id = d.service_id)
            ORDER BY service_id
            ON CONFLICT (service_id) DO NOTHING
            """)
        // Only what yields a claim: the limit would else be used up by what waits behind a teardown in
        // its pause. A teardown or purge that can be claimed is among the jobs.
        static let lockFree = Statement(
            "claims_lock_free",
            """
            SELECT i.service_id FROM instances i JOIN (
                SELECT service_id, min(created_at) AS since FROM (
                    SELECT service_id, created_at, false AS held FROM deployments d
                    WHERE server_id = $1 AND state = 'queued' AND NOT EXISTS (
                        SELECT FROM services_held_back h WHERE h.service_id = d.service_id
                    ) AND NOT EXISTS (
                        SELECT FROM service_jobs j WHERE j.service_id = d.service_id
                            AND j.kind IN ('teardown', 'purge')
                    )
                    UNION ALL
                    SELECT service_id, created_at, lease_holder = $2 AND lease_until > now()
                    FROM deployments WHERE server_id = $1
                        AND state IN ('claimed', 'pulling', 'starting', 'verifying')
                    UNION ALL
                    SELECT service_id, created_at,
                        lease_holder IS NOT NULL AND lease_holder = $2 AND lease_until > now()
                    FROM service_jobs WHERE server_id = $1
                        AND (lease_holder IS NOT NULL OR wake_at <= now())
                ) AS work
                GROUP BY service_id HAVING NOT bool_or(held)
            ) AS free ON free.service_id = i.service_id
            ORDER BY free.since, i.service_id LIMIT $3 FOR NO KEY UPDATE OF i SKIP LOCKED
            """)
        // From here on each statement sees what others did until the locks were had.
        // A teardown removes what a lost job may have left.
        static let cancelDeleted = Statement(
            "claims_cancel_deleted",
            """
            UPDATE deployments d SET state = 'cancelled', message = 'the service was deleted',
                lease_holder = NULL, lease_until = NULL, updated_at = now()
            WHERE service_id = ANY($1::text[]::uuid[])
                AND state IN ('claimed', 'pulling', 'starting', 'verifying')
                AND (lease_holder <> $2 OR lease_until <= now())
                AND EXISTS (
                    SELECT FROM service_jobs j
                    WHERE j.service_id = d.service_id AND j.kind = 'teardown'
                )
            RETURNING id, service_id, environment_id, server_id
            """)
        static let giveUp = Statement(
            "claims_give_up",
            """
            WITH ended AS (
                UPDATE deployments
                SET state = CASE WHEN cancel_requested_at IS NULL THEN 'failed'
                        ELSE 'cancelled' END,
                    lease_holder = NULL, lease_until = NULL, updated_at = now(),
                    failure_reason = CASE WHEN cancel_requested_at IS NOT NULL THEN ''
                        WHEN attempt >= $3 AND refusal <> '' THEN 'JOB_REFUSED'
                        WHEN attempt >= $3 THEN 'AGENT_LOST' ELSE 'DEADLINE_EXCEEDED' END,
                    failure_hint = CASE WHEN cancel_requested_at IS NOT NULL THEN ''
                        ELSE 'Look at the server and its agent, then deploy again.' END,
                    message = CASE WHEN cancel_requested_at IS NOT NULL THEN 'called off'
                        WHEN attempt >= $3 AND refusal <> '' THEN 'the server''s agent refused '
                            || 'the job, ' || refusal || ', the last of ' || attempt || ' times'
                        WHEN attempt >= $3 THEN 'the server''s agent was lost ' || attempt
                            || ' times while it worked'
                        ELSE 'not running within ' || $4 / 60 || ' minutes' END
                WHERE service_id = ANY($1::text[]::uuid[])
                    AND state IN ('claimed', 'pulling', 'starting', 'verifying')
                    AND (lease_holder <> $2 OR lease_until <= now())
                    AND (attempt >= $3 OR claimed_at < now() - $4 * interval '1 second')
                RETURNING id, service_id, environment_id, server_id
            ), undone AS (
                INSERT INTO service_jobs (id, service_id, environment_id, server_id, kind, wake_at,
                    created_at)
                SELECT id, service_id, environment_id, server_id, 'undo', now(), now() FROM ended
            )
            SELECT id, service_id, environment_id, server_id FROM ended
            """)
        static let supersede = Statement(
            "claims_supersede",
            """
            UPDATE deployments d SET state = 'superseded', updated_at = now(),
                message = 'a newer deployment was asked for'
            WHERE service_id = ANY($1::text[]::uuid[]) AND state = 'queued' AND EXISTS (
                SELECT FROM deployments n
                WHERE n.service_id = d.service_id AND n.state = 'queued' AND n.number > d.number
            )
            RETURNING id, service_id, environment_id, server_id
            """)
        // What failed when it was last tried is held by nobody.
        static let giveUpJobs = Statement(
            "claims_give_up_jobs",
            """
            WITH ended AS (
                DELETE FROM service_jobs
                WHERE service_id = ANY($1::text[]::uuid[]) AND kind IN ('restart', 'undo')
                    AND attempt >= $3
                    AND (lease_holder IS NULL OR lease_holder <> $2 OR lease_until <= now())
                RETURNING service_id, kind, attempt, message
            )
            UPDATE instances i
            SET restart_failure_reason = CASE e.message WHEN '' THEN 'AGENT_LOST'
                    ELSE 'GIVEN_UP' END,
                restart_failure_message = CASE e.message WHEN ''
                    THEN 'the server''s agent was lost ' || e.attempt || ' times while it worked'
                    ELSE e.message END
            FROM ended e WHERE i.service_id = e.service_id AND e.kind = 'restart'
            RETURNING i.service_id, i.environment_id, i.server_id
            """)
        static let raiseTokens = Statement(
            "claims_raise_tokens",
            """
            UPDATE instances SET fencing_token = fencing_token + 1
            WHERE service_id = ANY($1::text[]::uuid[])
            """)
        static let claimDeployments = Statement(
            "claims_deployments",
            """
            UPDATE deployments d SET state = 'claimed', message = '', attempt = d.attempt + 1,
                fencing_token = i.fencing_token, lease_holder = $2,
                lease_until = now() + $3 * interval '1 second',
                claimed_at = coalesce(d.claimed_at, now()), updated_at = now()
            FROM unnest($1::text[]::uuid[]) AS s (id)
            JOIN instances i ON i.service_id = s.id
            CROSS JOIN LATERAL (
                SELECT p.id FROM deployments p WHERE p.service_id = s.id
                    AND p.state IN ('queued', 'claimed', 'pulling', 'starting', 'verifying')
                ORDER BY p.state = 'queued', p.number DESC LIMIT 1
            ) AS pick
            WHERE d.id = pick.id
                AND (d.state = 'queued' AND NOT EXISTS (
                        SELECT FROM services_held_back h WHERE h.service_id = s.id
                    )
                    OR d.state IN ('claimed', 'pulling', 'starting', 'verifying')
                        AND (d.lease_holder <> $2 OR d.lease_until <= now()))
                AND NOT EXISTS (
                    SELECT FROM service_jobs j WHERE j.service_id = s.id
                        AND (j.lease_holder IS NOT NULL OR j.kind NOT IN ('restart', 'undo'))
                )
            RETURNING d.id, d.service_id, d.environment_id, d.server_id, d.image,
                d.fencing_token
            """)
        // A deployment starts a container anyway.
        static let dropRestarts = Statement(
            "claims_drop_restarts",
            """
            DELETE FROM service_jobs j USING deployments d
            WHERE j.service_id = ANY($1::text[]::uuid[]) AND j.kind = 'restart'
                AND j.lease_holder IS NULL AND d.service_id = j.service_id
                AND d.state IN ('claimed', 'pulling', 'starting', 'verifying')
            """)
        static let claimJobs = Statement(
            "claims_jobs",
            """
            UPDATE service_jobs j SET attempt = j.attempt + 1, fencing_token = i.fencing_token,
                lease_holder = $2, lease_until = now() + $3 * interval '1 second'
            FROM unnest($1::text[]::uuid[]) AS s (id)
            JOIN instances i ON i.service_id = s.id
            CROSS JOIN LATERAL (
                SELECT p.id FROM service_jobs p WHERE p.service_id = s.id
                    AND (p.lease_holder IS NOT NULL OR p.wake_at <= now())
                ORDER BY p.lease_holder IS NULL, p.kind = 'restart', p.kind = 'undo', p.created_at
                LIMIT 1
            ) AS pick
            WHERE j.id = pick.id
                AND (j.lease_holder IS NULL OR j.lease_holder <> $2 OR j.lease_until <= now())
                AND NOT EXISTS (
                    SELECT FROM deployments d WHERE d.service_id = s.id
                        AND d.state IN ('claimed', 'pulling', 'starting', 'verifying')
                )
            RETURNING j.id, j.kind, j.service_id, j.environment_id, j.fencing_token
            """)
        static let cancels = Statement(
            "claims_cancels",
            """
            UPDATE deployments SET cancel_sent_token = fencing_token
            WHERE server_id = $1 AND state IN ('claimed', 'pulling', 'starting', 'verifying')
                AND lease_holder = $2 AND cancel_requested_at IS NOT NULL
                AND cancel_sent_token IS DISTINCT FROM fencing_token
            RETURNING id, service_id, fencing_token
            """)
        // A deployment that its agent refused keeps its lease as long as its pause lasts.
        static let pauseLeft = Statement(
            "claims_pause_left",
            """
            SELECT ceil(extract(epoch FROM min(over_at) - now()) * 1000)::bigint AS milliseconds
            FROM (
                SELECT wake_at AS over_at FROM service_jobs
                WHERE server_id = $1 AND lease_holder IS NULL AND wake_at > now()
                UNION ALL
                SELECT lease_until FROM deployments
                WHERE server_id = $1 AND state IN ('claimed', 'pulling', 'starting', 'verifying')
                    AND lease_holder = $2 AND refusal <> '' AND lease_until > now()
            ) AS pauses
            """)
        static let renewDeployments = Statement(
            "claims_renew_deployments",
            """
            UPDATE deployments d SET lease_until = now() + $6 * interval '1 second'
            FROM unnest($1::text[]::uuid[], $2::text[]::bigint[]) AS r (id, token)
            WHERE d.id = r.id AND d.fencing_token = r.token AND d.lease_holder = $3
                AND d.server_id = $4 AND EXISTS (
                    SELECT FROM server_presence WHERE server_id = $4 AND session_id = $5
                )
            RETURNING d.id, d.fencing_token
            """)
        // The order to cancel may have been lost with the stream that it was sent on.
        static let adoptDeployments = Statement(
            "claims_adopt_deployments",
            """
            UPDATE deployments d SET lease_holder = $3, cancel_sent_token = NULL,
                lease_until = now() + $6 * interval '1 second'
            FROM unnest($1::text[]::uuid[], $2::text[]::bigint[]) AS r (id, token)
            WHERE d.id = r.id AND d.fencing_token = r.token AND d.server_id = $4
                AND d.state IN ('claimed', 'pulling', 'starting', 'verifying') AND EXISTS (
                    SELECT FROM server_presence WHERE server_id = $4 AND session_id = $5
                )
            RETURNING d.id, d.fencing_token
            """)
        static let adoptJobs = Statement(
            "claims_adopt_jobs",
            """
            UPDATE service_jobs j SET lease_holder = $3,
                lease_until = now() + $6 * interval '1 second'
            FROM unnest($1::text[]::uuid[], $2::text[]::bigint[]) AS r (id, token)
            WHERE j.id = r.id AND j.fencing_token = r.token AND j.server_id = $4
                AND j.lease_holder IS NOT NULL AND EXISTS (
                    SELECT FROM server_presence WHERE server_id = $4 AND session_id = $5
                )
            RETURNING j.id, j.fencing_token
            """)
        static let renewJobs = Statement(
            "claims_renew_jobs",
            """
            UPDATE service_jobs j SET lease_until = now() + $6 * interval '1 second'
            FROM unnest($1::text[]::uuid[], $2::text[]::bigint[]) AS r (id, token)
            WHERE j.id = r.id AND j.fencing_token = r.token AND j.lease_holder = $3
                AND j.server_id = $4 AND EXISTS (
                    SELECT FROM server_presence WHERE server_id = $4 AND session_id = $5
                )
            RETURNING j.id, j.fencing_token
            """)
    }
}
