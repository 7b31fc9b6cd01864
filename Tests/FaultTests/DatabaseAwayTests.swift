import EventLoops
import PostgresClient
import RPC
import SQL
import TestSupport
import Testing

@Suite struct DatabaseAwayTests {
    @Test(
        "PostgreSQL stopped: UNAVAILABLE at once and NOT_SERVING; back: served by the same process",
        arguments: ["fast", "immediate"])
    func stoppedAndBack(mode: String) async throws {
        let cluster = try TestPostgres(settings: ["log_statement = none"])
        let rounds = try await ProcessScene.play(cluster: cluster, isProxied: false) { _, scene in
            try await scene.becomesServing()
            let process = scene.berthd.program.process
            #expect(try await create(scene, 0).code == .ok)
            var rounds: [Round] = []
            // A busy machine may make a round slow, but not each.
            while rounds.count < 5, !rounds.contains(where: \.isQuick) {
                let first = 100 * rounds.count + 1
                rounds.append(try await stopAndStart(cluster, mode, scene, first))
                let answer = try await create(scene, first)
                #expect(answer.code == .ok, "\(answer)")
                #expect(scene.berthd.program.isRunning && scene.berthd.program.process == process)
            }
            return rounds
        }
        print("faults: PostgreSQL stopped (\(mode)): \(rounds)")
        #expect(rounds.contains { $0.isQuick }, "\(rounds)")
    }

    /// How long it took to notice that PostgreSQL went and came back, and the slowest refusal meanwhile.
    struct Round: Sendable {
        let slowest: Duration
        let gone: Duration
        let back: Duration

        var isQuick: Bool { slowest < .seconds(1) && gone < .seconds(1) && back < .seconds(5) }
    }

    private func stopAndStart(
        _ cluster: TestPostgres, _ mode: String, _ scene: ProcessScene, _ first: Int
    ) async throws -> Round {
        try cluster.stop(mode)
        let gone = try await scene.becomesServing(false)
        var slowest = Duration.zero
        for number in first..<first + 20 {
            let answer = try await create(scene, number)
            #expect(answer.code == .unavailable && answer.saysNothingWasWritten, "\(answer)")
            slowest = max(slowest, answer.took)
        }
        try cluster.start()
        return Round(slowest: slowest, gone: gone, back: try await scene.becomesServing())
    }

    @Test(
        "calls that wait for COMMIT when PostgreSQL stops: told at once, and never that nothing was done",
        arguments: ["fast", "immediate"])
    func stoppedDuringCommit(mode: String) async throws {
        let cluster = try TestPostgres(settings: ["log_statement = none"])
        try await ProcessScene.play(cluster: cluster, isProxied: false) { _, scene in
            try await scene.becomesServing()
            #expect(try await create(scene, 0).code == .ok)
            try await scene.stage.slowCommits(by: .seconds(28))
            let calls = try (1...3).map { try trial(scene, $0).begin(scene.client) }
            try await scene.stage.eventually {
                try await scene.stage.direct.inSession { session in
                    try await session.query(Self.committing)[0].int64("n") == 3
                }
            }
            try cluster.stop(mode)
            // Issued before berthd can have noticed.
            let late = try trial(scene, 4).begin(scene.client)
            let stopped = Instant.now()
            var answers: [Answer] = []
            for call in calls { answers.append(try await call.end()) }
            answers.append(try await late.end())
            // Long before their COMMIT would have come to an end.
            #expect(stopped.duration(to: .now()) < .seconds(10))
            for answer in answers.dropLast() {
                #expect(answer.code == .unknown && !answer.saysNothingWasWritten, "\(answer)")
            }
            #expect(answers[3].code == .unavailable, "\(answers[3])")

            try cluster.start()
            try await scene.becomesServing()
            let database = String(
                scene.stage.uri.dropFirst("postgresql:///".count).prefix { $0 != "?" })
            try cluster.run(sql: "DROP TRIGGER slow_commit ON services", in: database)
            for (number, answer) in answers.enumerated() {
                try await trial(scene, number + 1).verify(answer, scene.client)
            }
        }
    }

    private static let committing = Statement(
        "committing",
        """
        SELECT count(*) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'PgSleep'
        """)

    @Test("PostgreSQL away when berthd starts: it says so and ends, instead of waiting for ever")
    func awayAtStart() async throws {
        let cluster = try TestPostgres(settings: ["log_statement = none"])
        try await ProcessScene.play(cluster: cluster, isProxied: false) { _, scene in
            try cluster.stop()
            await #expect(throws: BerthdProcess.CannotStart.self) {
                _ = try await BerthdProcess.start(scene.stage, databaseURL: scene.stage.uri)
            }
            try cluster.start()
        }
    }

    @Test("a primary that turns read-only: UNAVAILABLE until it writes again, then served")
    func readOnly() async throws {
        let cluster = try TestPostgres(settings: ["log_statement = none"])
        try await ProcessScene.play(cluster: cluster, isProxied: false) { _, scene in
            try await scene.becomesServing()
            #expect(try await create(scene, 0).code == .ok)

            try cluster.append(["default_transaction_read_only = on"])
            try cluster.run(sql: "SELECT pg_reload_conf()", in: "postgres")
            var answers: [Answer] = []
            // PostgreSQL reads its settings when it comes to that.
            try await scene.stage.eventually {
                answers.append(try await create(scene, answers.count + 1))
                try await scene.stage.reactor.sleep(for: .milliseconds(5))
                return answers.last?.code == .unavailable && answers.count >= 20
            }
            try await scene.becomesServing(false)
            #expect(try await create(scene, 1_000_000).code == .unavailable)

            try cluster.append(["default_transaction_read_only = off"])
            try cluster.run(sql: "SELECT pg_reload_conf()", in: "postgres")
            let back = try await scene.becomesServing()
            #expect(back < .seconds(20))
            for (index, answer) in answers.enumerated() {
                try await trial(scene, index + 1).verify(answer, scene.client)
            }
        }
    }

    private func create(_ scene: ProcessScene, _ number: Int) async throws -> Answer {
        try await trial(scene, number).begin(scene.client).end()
    }

    private func trial(_ scene: ProcessScene, _ number: Int) -> CreateTrial {
        CreateTrial(stage: scene.stage, number: number, label: "create \(number)")
    }
}
