import EventLoops

/// Wakes the one task that waits; a wake-up that comes before is kept.
final class Signal {
    private var isRaised = false
    private var waiter: CheckedContinuation<Void, Never>?
    private let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    /// Wakes.
    func raise() {
        isRaised = true
        waiter?.resume()
        waiter = nil
    }

    /// Waits until it is raised, and lowers it again; a cancelled caller waits no longer.
    func wait(isolation: isolated (any Actor)? = #isolation) async {
        let bound = LoopBound(self, loop: loop)
        await withTaskCancellationHandler {
            // Keeps the closure on the loop.
            _ = isolation
            await withCheckedContinuation { continuation in
                if isRaised || Task.isCancelled {
                    continuation.resume()
                } else {
                    waiter = continuation
                }
            }
        } onCancel: {
            bound.use { $0.raise() }
        }
        isRaised = false
    }
}
