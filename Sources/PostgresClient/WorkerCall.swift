import EventLoops

/// Runs `work` on a worker thread and gives its result to `done`, back on the loop.
///
/// For plain functions, which cannot wait. `done` gets nil when the workers' queue is full; it is
/// not called once the loop has stopped.
func callWorker<Owner, Result: Sendable>(
    _ workers: WorkerPool, _ reactor: Reactor, for owner: Owner,
    work: @escaping @Sendable () -> Result, done: @escaping @Sendable (Owner, Result?) -> Void
) {
    let bound = LoopBound(owner, loop: reactor.loop)
    reactor.loop.execute { loop, _ in
        Task.immediate(executorPreference: loop.executor) {
            _ = loop
            let result = try? await workers.run(work)
            bound.use { done($0, result) }
        }
    }
}
