import EventLoops
import PostgresClient
import RPC
import SQL
import Testing

/// What a caller hears who repeats a create: a verdict about the first call.
@Suite struct RepeatThroughFaultsTests {
    @Test("cut at any message of the repeat: the answer of before, or what is certain and no more")
    func cutAnywhere() async throws {
        try await Scene.play { _, scene in
            let first = try await scene.trial(0).begin(scene.client).end()
            #expect(first.code == .ok)
            let response = try first.message(CreateTrial.Response.self)
            let clean = Trap(at: nil)
            _ = try await repeated(scene, clean)
            var committedBefore = 0
            let points = clean.points(offsets: [.before, .middle])
            for point in points {
                // On a connection that has done it before.
                let again = try await scene.trial(0).callUntilAnswered(scene.client)
                #expect(again == response)
                try await scene.quiet()
                let trap = Trap(at: point) { $0.cut() }
                let answer = try await repeated(scene, trap)
                switch answer.code {
                case .ok:
                    #expect(answer.body == first.body, "\(point)")
                case .unavailable where answer.message.contains("earlier call"):
                    committedBefore += 1
                    #expect(!answer.saysNothingWasWritten, "\(point): \(answer)")
                case .unavailable:
                    #expect(answer.message.contains("by this call"), "\(point): \(answer)")
                case .unknown:
                    #expect(answer.message.contains("may have been"), "\(point): \(answer)")
                default:
                    Issue.record("\(point): \(answer)")
                }
                #expect(try await scene.rows(0) == .all, "\(point)")
            }
            #expect(points.count > 20)
            #expect(committedBefore > 3)
        }
    }

    private func repeated(_ scene: Scene, _ trap: Trap) async throws -> Answer {
        scene.stage.proxy.trap = trap
        let answer = try await scene.trial(0).begin(scene.client).end()
        scene.stage.proxy.trap = nil
        try await scene.quiet()
        return answer
    }

    @Test("the first of two is killed while the second waits for its end: the second makes it")
    func firstKilled() async throws {
        try await Scene.play { loop, scene in
            try await scene.fillPool()
            let lock = try await Lock.take(on: scene.stage.direct, loop, scene.stage)
            let first = try scene.trial(0).begin(scene.client)
            try await lock.isWaitedFor(scene.stage)
            // It waits a moment before PostgreSQL's statistics tell for what.
            var backends: [Int32] = []
            try await scene.stage.eventually {
                backends = try await Self.waiting("relation", scene)
                return !backends.isEmpty
            }
            #expect(backends.count == 1)
            let second = try scene.trial(0).begin(scene.client)
            try await scene.stage.eventually {
                try await Self.waiting("transactionid", scene).count == 1
            }
            for backend in backends {
                try await scene.stage.direct.inSession {
                    _ = try await $0.query(Self.terminate, [.int32(backend)])
                }
            }
            let told = try await first.end()
            #expect(told.code == .unavailable && told.saysNothingWasWritten, "\(told)")
            try await lock.release()
            #expect(try await second.end().code == .ok)
            #expect(try await scene.rows(0) == .all)
        }
    }

    /// The backends of the scene's database that wait for a lock of that kind.
    private static func waiting(_ event: String, _ scene: Scene) async throws -> [Int32] {
        try await scene.stage.direct.inSession { session in
            try await session.query(waiters, [.text(event)]).map { try $0.int32("pid") }
        }
    }

    private static let waiters = Statement(
        "repeat_waiters",
        """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = $1
        """)
    private static let terminate = Statement("repeat_terminate", "SELECT pg_terminate_backend($1)")
}
