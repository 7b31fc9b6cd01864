/// Wakes a task of its loop; a raise that nobody waits for is kept until someone does.
///
/// Raises do not add up: many before a wait end one wait. Not Sendable: it belongs to its loop.
public final class LoopSignal {
    private unowned let loop: EventLoop
    private var isRaised = false
    private var waiter: CheckedContinuation<Void, Never>?

    /// Makes a signal that is not raised.
    public init(reactor: Reactor) { loop = reactor.loop }

    /// Ends the wait that there is, or else the next.
    public func raise() {
        if let waiter {
            self.waiter = nil
            waiter.resume()
        } else {
            isRaised = true
        }
    }

    /// Waits until the signal is raised and takes the raise; one caller at a time.
    /// - Throws: `CancellationError` when the task is cancelled.
    public func wait(isolation: isolated (any Actor)? = #isolation) async throws {
        try Task.checkCancellation()
        let bound = LoopBound(self, loop: loop)
        await withTaskCancellationHandler {
            // Keeps the closure on the loop; else each await in it would leave and come back.
            _ = isolation
            await withCheckedContinuation { keep($0) }
        } onCancel: {
            bound.use { $0.raise() }
        }
        try Task.checkCancellation()
    }

    /// Resumes at once when raised before: the way here may have been suspended.
    private func keep(_ continuation: CheckedContinuation<Void, Never>) {
        if isRaised {
            isRaised = false
            continuation.resume()
        } else {
            waiter = continuation
        }
    }
}
