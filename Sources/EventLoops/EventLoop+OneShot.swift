import Synchronization

extension EventLoop {
    /// Turns a new loop on the calling thread until `body` has ended; for programs that do one thing.
    ///
    /// - Throws: What `body` throws, or ``SystemError`` of epoll.
    public static func runOnce<Result: Sendable>(
        _ body: @escaping @Sendable (isolated EventLoop, Reactor) async throws -> Result
    ) throws -> Result {
        let loop = try EventLoop()
        // A lock only because the compiler cannot know that both ends run on this one thread.
        let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
        try loop.run { loop, reactor in
            Task.immediate(executorPreference: loop.executor) {
                let result: Swift.Result<Result, any Error>
                do {
                    result = .success(try await body(loop, reactor))
                } catch {
                    result = .failure(error)
                }
                outcome.withLock { $0 = result }
                loop.stop()
            }
        }
        guard let result = outcome.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }
}
