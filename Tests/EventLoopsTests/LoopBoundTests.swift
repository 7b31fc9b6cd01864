import EventLoops
import TestSupport
import Testing

@Suite struct LoopBoundTests {
    final class Value { var number = 0 }

    @Test("a bound value is reached from a cancellation handler on its loop")
    func onItsLoop() async throws {
        let number = try await onLoop { loop, reactor in
            let value = Value()
            let bound = LoopBound(value, loop: loop)
            let task = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                await withTaskCancellationHandler {
                    _ = try? await reactor.sleep(for: .seconds(100))
                } onCancel: {
                    bound.use { $0.number = 7 }
                }
            }
            task.cancel()
            await task.value
            return value.number
        }
        #expect(number == 7)
    }

    @Test("another thread is told that it is not the loop's, which is what use(_:) checks")
    func elsewhere() async throws {
        let loop = try EventLoop()
        #expect(!loop.executor.isOnLoop)
        #expect(loop.executor.isIsolatingCurrentContext() == false)
        let isOnLoop = try await onLoop { loop, _ in loop.executor.isOnLoop }
        #expect(isOnLoop)
    }
}
