import EventLoops
import Glibc
import Synchronization
import TestSupport
import Testing

@Suite struct WorkerPoolTests {
    struct Refused: Error, Equatable {}

    @Test("work runs off the loop and its result comes back onto it")
    func comesBack() async throws {
        let (workerWasOff, callerIsOn) = try await onLoop { loop, _ in
            let executor = loop.executor
            let wasOff = try await sharedWorkers().run { !executor.isOnLoop }
            return (wasOff, executor.isOnLoop)
        }
        #expect(workerWasOff)
        #expect(callerIsOn)
    }

    @Test("what the work throws comes back")
    func throwsBack() async throws {
        await #expect(throws: Refused.self) {
            try await sharedWorkers().run { throw Refused() }
        }
    }

    @Test("the loop turns while a worker is busy")
    func loopTurns() async throws {
        try await onLoop { loop, reactor in
            var ticks = 0
            let worker = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                try await sharedWorkers().run { _ = usleep(50_000) }
            }
            while ticks < 5 {
                try await reactor.sleep(for: .milliseconds(1))
                ticks += 1
            }
            let began = Instant.now()
            try await worker.value
            #expect(began.duration(to: .now()) > .zero)
            #expect(ticks == 5)
        }
    }

    @Test("a queue that is full refuses more work, and what it took is done")
    func full() async throws {
        let pool = try WorkerPool(threads: 1)
        let gate = Gate()
        let done = Count()
        // One piece occupies the only thread; then the queue is filled to its limit.
        async let first: Void = pool.run { gate.wait() }
        await gate.someoneWaits()
        let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<(WorkerPool.queuedMax + 10) {
                group.addTask {
                    do {
                        try await pool.run { done.add() }
                        return false
                    } catch is WorkerPool.Full {
                        return true
                    }
                }
            }
            // The refusals come at once, while the thread is still held.
            var refused = 0
            for _ in 0..<10 where try await group.next() == true { refused += 1 }
            gate.open()
            for try await wasRefused in group where wasRefused { refused += 1 }
            return refused
        }
        try await first
        #expect(refused == 10)
        #expect(done.value == WorkerPool.queuedMax)
    }

    /// Counts from any thread.
    final class Count: Sendable {
        private let count = Mutex(0)
        func add() { count.withLock { $0 += 1 } }
        var value: Int { count.withLock { $0 } }
    }

    /// Holds a worker until it is opened.
    final class Gate: Sendable {
        private let state = Mutex((waits: false, isOpen: false))
        func wait() {
            state.withLock { $0.waits = true }
            while !state.withLock({ $0.isOpen }) { usleep(500) }
        }
        func open() { state.withLock { $0.isOpen = true } }
        func someoneWaits() async {
            while !state.withLock({ $0.waits }) { await Task.yield() }
        }
    }
}
