import EventLoops
import TestSupport
import Testing

@Suite struct LoopSignalTests {
    @Test("a raise ends the wait that there is")
    func wakes() async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let signal = LoopSignal(reactor: reactor)
            reactor.schedule(after: .milliseconds(5)) { signal.raise() }
            try await signal.wait()
        }
    }

    @Test("many raises that nobody waited for end one wait, and no second")
    func coalesces() async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let signal = LoopSignal(reactor: reactor)
            signal.raise()
            signal.raise()
            try await signal.wait()
            var isAwake = false
            reactor.schedule(after: .milliseconds(5)) {
                isAwake = true
                signal.raise()
            }
            try await signal.wait()
            #expect(isAwake)
        }
    }

    @Test("a cancelled task waits no longer")
    func cancels() async throws {
        try await onLoop { loop, reactor in
            let signal = LoopSignal(reactor: reactor)
            let task = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                try await signal.wait()
            }
            reactor.schedule(after: .milliseconds(5)) { task.cancel() }
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}
