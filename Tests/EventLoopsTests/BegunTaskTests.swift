import EventLoops
import TestSupport
import Testing

@Suite struct BegunTaskTests {
    @Test("the task runs on the loop that began it")
    func runs() async throws {
        try await onLoop { loop, reactor in
            let signal = LoopSignal(reactor: reactor)
            let bound = LoopBound(signal, loop: loop)
            reactor.begin {
                // Traps off the loop.
                bound.use { $0.raise() }
            }
            try await signal.wait()
        }
    }

    @Test("a task that was cancelled before it began is cancelled when it begins")
    func cancelledEarly() async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let signal = LoopSignal(reactor: reactor)
            var wasCancelled = false
            let task = reactor.begin {
                do { try await reactor.sleep(for: .seconds(60)) } catch { wasCancelled = true }
                signal.raise()
            }
            task.cancel()
            try await signal.wait()
            #expect(wasCancelled)
        }
    }
}
