import EventLoops
import PostgresClient
import RPC
import SQL
import Testing

/// What a deadline or a cancel does, wherever the call waits at that time.
@Suite struct DeadlineTests {
    /// Long enough for a busy machine to come to where the call waits.
    static let deadline = Duration.seconds(2)
    /// When a call has ended, or has left what it waited in: far from the deadline, for the machine may be
    /// busy, and from the 30 seconds and more after which something else would have ended it.
    static let endMax = Duration.seconds(20)

    @Test("while waiting for a connection: it ends at once and leaves the queue")
    func waitingForConnection() async throws {
        try await Scene.play(times: Scene.patient) { _, scene in
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
            #expect(answer.took < Self.endMax)
            #expect(scene.pool.waiting == 0)

            let cancelled = try scene.trial(5).begin(scene.client)
            try await scene.stage.eventually { scene.pool.waiting == 1 }
            cancelled.cancel()
            let took = try await scene.stage.eventually { scene.pool.waiting == 0 }
            #expect(took < Self.endMax)

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
            try await lock.isWaitedFor(scene.stage)
            let answer = try await late.end()
            #expect(answer.code == .deadlineExceeded)
            #expect(answer.took < Self.endMax)
            // The lock is held on: only a cancel can have freed the connection.
            try await scene.stage.eventually(within: Self.endMax) { scene.pool.inUse == 0 }

            try await lock.isWaitedFor(scene.stage, false)
            let given = try scene.trial(2).begin(scene.client)
            try await lock.isWaitedFor(scene.stage)
            given.cancel()
            try await scene.stage.eventually(within: Self.endMax) { scene.pool.inUse == 0 }

            #expect(try await scene.list().end().code == .ok)
            try await scene.stage.eventually { scene.stage.proxy.cancelRequests == 2 }
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
        // Or PostgreSQL would give COMMIT up when berthd gives its connection up.
        let settings = ["client_connection_check_interval=0"]
        try await Scene.play(settings: settings) { loop, scene in
            #expect(try await scene.trial(1).begin(scene.client).end().code == .ok)
            try await scene.stage.lockableCommits()
            let lock = try await Lock.take(.commits, on: scene.stage.direct, loop, scene.stage)
            // Held back, the cancel comes when COMMIT has happened; let through, COMMIT fails.
            scene.stage.proxy.holdsCancelRequests = !isCancelled
            let call = try scene.trial(0).begin(scene.client, timeout: Self.deadline)
            try await lock.isWaitedFor(scene.stage)
            let answer = try await call.end()
            #expect(answer.code == .deadlineExceeded)
            #expect(answer.took < Self.endMax)
            #expect(!answer.saysNothingWasWritten)
            #expect(answer.message.contains("may have been done"), "\(answer)")
            try await scene.stage.eventually { scene.stage.proxy.cancelRequests > 0 }
            if isCancelled { try await lock.isWaitedFor(scene.stage, false) }
            try await lock.release()
            if !isCancelled {
                try await scene.stage.eventually { try await scene.rows(0) == .all }
            }
            scene.stage.proxy.releaseAll()
            try await scene.quiet()
            #expect(try await scene.rows(0) == (isCancelled ? .none : .all))
            try await scene.trial(0).verify(answer, scene.client)
        }
    }

    @Test("without a deadline: a statement that takes too long is UNAVAILABLE, nothing written")
    func statementTimeout() async throws {
        try await Scene.play(settings: ["statement_timeout=3s"]) { loop, scene in
            #expect(try await scene.trial(0).begin(scene.client).end().code == .ok)
            let lock = try await Lock.take(on: scene.stage.direct, loop, scene.stage)
            let answer = try await scene.trial(1).begin(scene.client).end()
            #expect(answer.code == .unavailable && answer.saysNothingWasWritten, "\(answer)")
            #expect(answer.took < Self.endMax)
            try await lock.release()
            try await scene.trial(1).verify(answer, scene.client)
        }
    }
}
