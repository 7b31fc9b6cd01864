import Deployments
import Domain
import PostgresClient
import SQL
import Services
import Testing

/// Random operations by several who work at once; what must always hold is looked at after each.
@Suite struct EngineInvariantTests {
    /// What was handed out and how things ended, as all of them saw it.
    private actor Memory {
        private var claims: Set<JobReference> = []
        private var cancels: Set<JobReference> = []
        private(set) var ends: [String: String] = [:]
        private(set) var violations: [String] = []

        func claimed(_ jobs: [AgentJob]) {
            for job in jobs {
                // An order to stop has the reference of what it stops, an undo one of its own.
                let isNew =
                    job.kindName == "cancel"
                    ? cancels.insert(job.reference).inserted
                    : claims.insert(job.reference).inserted
                if !isNew { violations.append("handed out twice: \(job)") }
            }
        }

        /// - Parameter before: What had ended before the look that saw this.
        func saw(_ state: String, of deployment: String, before: [String: String]) {
            if let end = before[deployment], end != state {
                violations.append("\(deployment) was \(end) and is \(state)")
            }
            if ["failed", "superseded", "cancelled"].contains(state) { ends[deployment] = state }
        }

        func broken(_ what: String) { violations.append(what) }
        var claimCount: Int { claims.count + cancels.count }
    }

    @Test(
        "whatever several do at once, each service has one job at work and one that runs, at most")
    func random() async throws {
        let database = try await MigratedDatabase.make()
        let services = try await withPool(database.uri) { loop, pool in
            _ = loop
            let engine = try Engine(database, pool)
            _ = try WorkingAgent(engine)
            var services: [ServiceID] = []
            for number in 0..<3 { services.append(try await engine.create("s\(number)").0) }
            return services
        }
        let memory = Memory()
        let counter = Counter()
        _ = try await atOnce(4, database) { pool in
            var player = Player(
                engine: try Engine(database, pool), pool: pool, services: services,
                random: Dice(state: UInt64(counter.next() + 1) &* 0x9E37_79B9_7F4A_7C15))
            for _ in 0..<120 {
                await memory.claimed(try await player.act())
                let rows = try await pool.inSession { try await $0.query(Self.invariants) }
                for row in rows { await memory.broken(try row.text("what")) }
                let before = await memory.ends
                let states = try await pool.inSession { try await $0.query(Self.states) }
                for row in states {
                    let id: DeploymentID = try row.id("id")
                    await memory.saw(
                        try row.text("state"), of: id.description, before: before)
                }
            }
        }
        let violations = await memory.violations
        #expect(violations.isEmpty, "\(Set(violations).sorted())")
        // The dice must not have done nothing.
        #expect(await memory.claimCount > 20)
        let ended = try database.run(
            "SELECT count(*) > 10 FROM deployments WHERE state NOT IN ('queued', 'claimed')")
        #expect(ended == "t")
    }

    private static let states = Statement("test_states", "SELECT id, state FROM deployments")
    private static let invariants = Statement(
        "test_invariants",
        """
        SELECT 'several jobs at work: ' || service_id AS what FROM (
            SELECT service_id FROM deployments WHERE lease_holder IS NOT NULL
            UNION ALL SELECT service_id FROM service_jobs WHERE lease_holder IS NOT NULL
        ) AS work GROUP BY service_id HAVING count(*) > 1
        UNION ALL
        SELECT 'several run: ' || service_id FROM deployments WHERE state = 'running'
        GROUP BY service_id HAVING count(*) > 1
        UNION ALL
        SELECT 'another runs than is known: ' || i.service_id FROM instances i
        LEFT JOIN deployments d ON d.service_id = i.service_id AND d.state = 'running'
        WHERE i.running_deployment_id IS DISTINCT FROM d.id
        UNION ALL
        SELECT 'a token that its service never had: ' || d.id FROM deployments d
        LEFT JOIN instances i ON i.service_id = d.service_id
        WHERE d.fencing_token > coalesce(i.fencing_token, 0)
        UNION ALL
        SELECT 'initialised data is forgotten: ' || service_id FROM instances
        WHERE running_deployment_id IS NOT NULL AND initialized_at IS NULL
        UNION ALL
        SELECT 'something of what was torn down: ' || s.id FROM services s
        JOIN deployments d ON d.service_id = s.id
        WHERE s.torn_down_at IS NOT NULL
            AND d.state IN ('queued', 'claimed', 'pulling', 'starting', 'verifying', 'running')
        UNION ALL
        SELECT 'something waits for what was deleted: ' || s.id FROM services s
        JOIN deployments d ON d.service_id = s.id
        WHERE s.deleted_at IS NOT NULL AND d.state = 'queued'
        UNION ALL
        SELECT 'deleted, and nothing removes it: ' || s.id FROM services s
        WHERE s.deleted_at IS NOT NULL AND s.torn_down_at IS NULL AND NOT EXISTS (
            SELECT FROM service_jobs j WHERE j.service_id = s.id AND j.kind = 'teardown'
        )
        UNION ALL
        SELECT 'an undo of what may still run: ' || d.id FROM service_jobs j
        JOIN deployments d ON d.id = j.id
        WHERE j.kind = 'undo' AND d.state NOT IN ('failed', 'cancelled')
        UNION ALL
        SELECT 'an environment of which something is left is nowhere: ' || s.environment_id
        FROM services s WHERE s.purged_at IS NULL
            AND EXISTS (SELECT FROM deployments d WHERE d.service_id = s.id)
            AND NOT EXISTS (
                SELECT FROM environment_servers e WHERE e.environment_id = s.environment_id
            )
        UNION ALL
        SELECT 'events that end otherwise: ' || d.id FROM deployments d WHERE d.state <> coalesce((
            SELECT e.state FROM deployment_events e WHERE e.deployment_id = d.id
            ORDER BY e.number DESC LIMIT 1
        ), 'queued')
        """)
}

/// Repeatable randomness: SplitMix64.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// One who does whatever the dice say.
private struct Player {
    let engine: Engine
    let pool: ConnectionPool
    let services: [ServiceID]
    var random: Dice
    var jobs: [AgentJob] = []
    var session = AgentSessionID.first

    /// Does one thing; gives the jobs that it was handed.
    mutating func act() async throws -> [AgentJob] {
        do {
            return try await roll()
        } catch is Problem {
            // Most of what the dice ask for is refused.
            return []
        }
    }

    private mutating func roll() async throws -> [AgentJob] {
        let service = services[Int(random.next() % UInt64(services.count))]
        let agent = WorkingAgent(engine: engine, session: session)
        switch random.next() % 21 {
        case 0..<5:
            let claimed = try await agent.claim(Int(random.next() % 4) + 1)
            jobs += claimed
            return claimed
        case 5..<11:
            try await tell(agent)
        case 11, 12:
            _ = try await engine.redeploy(service)
        case 13:
            let newest = try engine.database.run(
                """
                SELECT id FROM deployments WHERE service_id = '\(service)'
                ORDER BY number DESC LIMIT 1
                """)
            if let id = DeploymentID(newest) { _ = try await engine.cancel(id) }
        case 14:
            _ = try await engine.delete(service)
        case 15:
            _ = try await engine.undelete(service)
        case 16:
            try await engine.modules.deployments.restartService(
                id: service.description, caller: engine.caller)
        case 17:
            try engine.database.expireLeases()
        case 18:
            // Its next loss is the last.
            try engine.database.run(
                """
                UPDATE deployments SET attempt = 10
                WHERE service_id = '\(service)' AND lease_holder IS NOT NULL
                """)
        case 19:
            try ObservationTests.settle(engine.database)
            try await agent.observe([])
        default:
            try await becomeNewest()
        }
        return []
    }

    /// Tells of something that it was handed, true or not, new or old.
    private mutating func tell(_ agent: WorkingAgent) async throws {
        guard let job = jobs.randomElement(using: &random) else { return }
        let states: [JobProgress.State] = [
            .accepted, .pulling, .starting, .verifying, .succeeded, .succeeded, .succeeded, .failed,
            .cancelled,
        ]
        let state = states[Int(random.next() % UInt64(states.count))]
        _ = try await agent.tell(job, state, outcome: state == .succeeded ? .sample : nil)
        _ = try await agent.renew(Array(jobs.suffix(4)))
    }

    /// Now and then another stream is the newest, this one's or the one of all.
    private mutating func becomeNewest() async throws {
        let isOwn = random.next().isMultiple(of: 2)
        session =
            isOwn
            ? AgentSessionID(bytes: (0..<16).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            : .first
        try engine.database.beginSession(session, of: engine.serverID)
        if !isOwn { return }
        let agent = WorkingAgent(engine: engine, session: session)
        _ = try await agent.renew(jobs)
        // The others go on with the stream of all.
        session = .first
        try engine.database.beginSession(session, of: engine.serverID)
    }
}
