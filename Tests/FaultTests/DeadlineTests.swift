import EventLoops
import PostgresClient
import RPC
import SQL
import Testing

/// What a deadline or a cancel does, wherever the call waits at that time.
@Suite struct DeadlineTests {
    static let deadline = Duration.milliseconds(150)
    /// A busy machine's share.
    static let slack = Duration.milliseconds(500)

    @Test("while waiting for a connection: it ends at once and leaves the queue")
    func waitingForConnection() async throws {
        try await Scene.play { _, scene in
            try await scene.fillPool()
            scene.stage.proxy.holdAll()
            let holders = try (0..<Scene.connectionsMax).map {
                try scene.trial($0).begin(scene.client)
            }
            try await scene.stage.eventually { scene.pool.inUse == Scene.connectionsMax }

            let late = try scene.trial(4).begin(scene.client, timeout: Self.deadline)
            try await scene.stage.eventually { scene.pool.waiting == 1 }
            let answer = try await late.end()
            #expect(answer.code == .deadlineExceeded)
            #expect(answer.took < Self.deadline + Self.slack)
            #expect(scene.pool.waiting == 0)

            let cancelled = try scene.trial(5).begin(scene.client)
            try await scene.stage.eventually { scene.pool.waiting == 1 }
            cancelled.cancel()
            let took = try await scene.stage.eventually { scene.pool.waiting == 0 }
            #expect(took < Self.slack)

            scene.stage.proxy.releaseAll()
            for holder in holders { #expect(try await holder.end().code == .ok) }
            #expect(try await scene.rows(4) == .none)
            #expect(try await scene.rows(5) == .none)
        }
    }

    @Test("while a statement waits for a lock: it is cancelled, and its connection serves the next")
    func waitingForLock() async throws {
        try await Scene.play { loop, scene in
            #expect(try await scene.trial(0).begin(scene.client).end().code == .ok)
            let connects = scene.connects
            let lock = try await Lock.take(on: scene.stage.direct, loop, scene.stage)

            let late = try scene.trial(1).begin(scene.client, timeout: Self.deadline)
            let answer = try await late.end()
            #expect(answer.code == .deadlineExceeded)
            #expect(answer.took < Self.deadline + Self.slack)
            // The lock is held on: only a cancel can have freed the connection.
            try await scene.stage.eventually(within: .seconds(1)) { scene.pool.inUse == 0 }

            let given = try scene.trial(2).begin(scene.client)
            try await lock.isWaitedFor(scene.stage)
            given.cancel()
            try await scene.stage.eventually(within: .seconds(1)) { scene.pool.inUse == 0 }

            #expect(try await scene.list().end().code == .ok)
            #expect(scene.stage.proxy.cancelRequests == 2)
            // One may have been made for a ping.
            #expect(scene.connects <= connects + 1)
            try await lock.release()
            for number in 1...2 {
                #expect(try await scene.rows(number) == .none)
                #expect(try await scene.trial(number).begin(scene.client).end().code == .ok)
            }
        }
    }

    @Test("a cancel that is late on its way hits nobody else's statement")
    func lateCancel() async throws {
        try await Scene.play { loop, scene in
            #expect(try await scene.trial(0).begin(scene.client).end().code == .ok)
            scene.stage.proxy.holdsCancelRequests = true
            let lock = try await Lock.take(on: scene.stage.direct, loop, scene.stage)
            let given = try scene.trial(1).begin(scene.client)
            try await lock.isWaitedFor(scene.stage)
            given.cancel()
            try await scene.stage.eventually { scene.stage.proxy.cancelRequests == 1 }
            // The statement ends by itself, while the cancel is still on its way.
            try await lock.release()
            for number in 2..<40 {
                if number == 20 { scene.stage.proxy.releaseAll() }
                let answer = try await scene.trial(number).begin(scene.client).end()
                #expect(answer.code == .ok, "\(number): \(answer)")
            }
            try await scene.quiet()
            let rows = try await scene.rows(1)
            #expect(rows == .none || rows == .all)
        }
    }

    @Test(
        "during COMMIT: the caller is told that it may have been done, and a retry tells",
        arguments: [true, false])
    func duringCommit(isCancelled: Bool) async throws {
        try await Scene.play { _, scene in
            try await scene.stage.slowCommits(by: .milliseconds(400))
            // Held back, the cancel comes when COMMIT has happened; let through, COMMIT fails.
            scene.stage.proxy.holdsCancelRequests = !isCancelled
            let answer = try await scene.trial(0).begin(scene.client, timeout: Self.deadline).end()
            #expect(answer.code == .deadlineExceeded)
            #expect(answer.took < Self.deadline + Self.slack)
            #expect(!answer.saysNothingWasWritten)
            #expect(answer.message.contains("may have been done"), "\(answer)")
            try await scene.stage.eventually(within: .seconds(3)) {
                scene.stage.proxy.cancelRequests > 0
            }
            try await scene.stage.reactor.sleep(for: .milliseconds(500))
            scene.stage.proxy.releaseAll()
            try await scene.quiet()
            #expect(try await scene.rows(0) == (isCancelled ? .none : .all))
            try await scene.trial(0).verify(answer, scene.client)
        }
    }

    @Test("without a deadline: a statement that takes too long is UNAVAILABLE, nothing written")
    func statementTimeout() async throws {
        try await Scene.play(settings: ["statement_timeout=200ms"]) { loop, scene in
            #expect(try await scene.trial(0).begin(scene.client).end().code == .ok)
            let lock = try await Lock.take(on: scene.stage.direct, loop, scene.stage)
            let answer = try await scene.trial(1).begin(scene.client).end()
            #expect(answer.code == .unavailable && answer.saysNothingWasWritten, "\(answer)")
            #expect(answer.took < .milliseconds(200) + Self.slack)
            try await lock.release()
            try await scene.trial(1).verify(answer, scene.client)
        }
    }
}
