import EventLoops
import Glibc
import Synchronization
import TestSupport
import Testing

@Suite struct EventLoopTests {
    @Test("work given from another thread runs on the loop, in the order it was given")
    func execute() async throws {
        let loop = try EventLoop()
        let seen = Mutex<[Int]>([])
        try loop.runOnNewThread { _, _ in
        } failed: { _ in
        }
        await withCheckedContinuation { continuation in
            for index in 0..<1000 {
                loop.execute { loop, _ in
                    if loop.executor.isOnLoop { seen.withLock { $0.append(index) } }
                    if index == 999 { continuation.resume() }
                }
            }
        }
        loop.stop()
        #expect(seen.withLock { $0 } == Array(0..<1000))
    }

    @Test("work given from many threads at once all runs")
    func executeFromMany() async throws {
        let count = try await onLoop { loop, reactor in
            let total = 4 * 500
            let arrived = Counter()
            let bound = LoopBound(arrived, loop: loop)
            let workers = try WorkerPool(threads: 4)
            let theLoop = reactor.loop
            for _ in 0..<4 {
                _ = try await workers.run {
                    for _ in 0..<500 { theLoop.execute { _, _ in bound.use { $0.value += 1 } } }
                }
            }
            while arrived.value < total { try await reactor.sleep(for: .milliseconds(1)) }
            return arrived.value
        }
        #expect(count == 2000)
    }

    final class Counter { var value = 0 }

    @Test("what set-up began runs although nothing wakes the loop")
    func setUpRuns() async throws {
        let ran = try await onLoop { loop, _ in loop.executor.isOnLoop }
        #expect(ran)
    }

    @Test("an error of set-up is handed on and ends the loop")
    func setUpThrows() async throws {
        struct Refused: Error {}
        let loop = try EventLoop()
        let error = await withCheckedContinuation { continuation in
            do {
                try loop.runOnNewThread { _, _ in
                    throw Refused()
                } failed: {
                    continuation.resume(returning: "\(type(of: $0))")
                }
            } catch {
                continuation.resume(returning: "thread")
            }
        }
        #expect(error == "Refused")
    }

    @Test("a loop that is stopped returns from run")
    func stops() throws {
        let loop = try EventLoop()
        let turns = Mutex(0)
        try loop.run { loop, reactor in
            reactor.schedule(after: .milliseconds(1)) { turns.withLock { $0 += 1 } }
            reactor.schedule(after: .milliseconds(2)) { reactor.loop.stop() }
        }
        #expect(turns.withLock { $0 } == 1)
    }

    @Test("runOnce gives what its body gives or throws")
    func runOnce() throws {
        #expect(try EventLoop.runOnce { loop, _ in loop.executor.isOnLoop })
        #expect(throws: CancellationError.self) {
            try EventLoop.runOnce { _, _ in throw CancellationError() }
        }
    }

    @Test("children of a task group stay on the loop")
    func taskGroup() async throws {
        let onLoopCount = try await onLoop { loop, reactor in
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<10 {
                    group.addTask { [executor = loop.executor] in executor.isOnLoop }
                }
                var count = 0
                for await isOnLoop in group where isOnLoop { count += 1 }
                return count
            }
        }
        #expect(onLoopCount == 10)
    }
}
