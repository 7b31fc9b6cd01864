/// A task of a loop that was begun by ``Reactor/begin(_:)``.
///
/// Not Sendable: it belongs to its loop.
public final class BegunTask {
    private var task: Task<Void, Never>?
    private var isCancelled = false

    /// Cancels the task, whether it has begun or not.
    public func cancel() {
        isCancelled = true
        task?.cancel()
    }

    fileprivate func began(_ task: Task<Void, Never>) {
        self.task = task
        if isCancelled { task.cancel() }
    }
}

extension Reactor {
    /// Begins a task on the loop, in its current or next turn; for async functions, which cannot begin
    /// one that stays on the loop by themselves.
    ///
    /// - Parameter work: An async closure without a capture list: one with a list runs off the loop.
    @discardableResult
    public func begin(_ work: @escaping () async -> Void) -> BegunTask {
        let handle = BegunTask()
        let bound = LoopBound((handle: handle, work: work), loop: loop)
        loop.execute { loop, _ in
            let task = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                await bound.use { $0.work }()
            }
            bound.use { $0.handle.began(task) }
        }
        return handle
    }
}
