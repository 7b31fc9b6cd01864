import EventLoops

/// Lets one task of a loop wait until another part of the loop wakes it.
final class Wakeup {
    private let reactor: Reactor
    private var continuation: CheckedContinuation<Void, Never>?
    /// Woken while nobody waited: the next wait returns at once.
    private var isAwake = false

    init(_ reactor: Reactor) { self.reactor = reactor }

    /// Lets who waits go on, or who waits next.
    func wake() {
        isAwake = true
        let waiting = continuation
        continuation = nil
        waiting?.resume()
    }

    /// Waits for ``wake()``.
    /// - Throws: `CancellationError` when the task is cancelled.
    func wait(isolation: isolated (any Actor)? = #isolation) async throws {
        try Task.checkCancellation()
        let bound = LoopBound(self, loop: reactor.loop)
        await withTaskCancellationHandler {
            _ = isolation
            await withCheckedContinuation { waiting in
                if isAwake { waiting.resume() } else { continuation = waiting }
            }
        } onCancel: {
            bound.use { $0.wake() }
        }
        isAwake = false
        try Task.checkCancellation()
    }
}
