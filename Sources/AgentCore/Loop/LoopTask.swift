import EventLoops

/// Work that goes on beside who began it, on the same loop.
struct LoopTask<Value: Sendable> {
    private let task: Task<Value, any Error>

    /// Begins at once, up to the first wait.
    init(on loop: isolated EventLoop, _ body: @escaping () async throws -> Value) {
        task = Task.immediate(executorPreference: loop.executor) {
            _ = loop
            return try await body()
        }
    }

    /// Waits for the end; a caller that is cancelled cancels the work too.
    func value(isolation: isolated (any Actor)? = #isolation) async throws -> Value {
        let task = task
        return try await withTaskCancellationHandler {
            // Keeps the closure on the loop.
            _ = isolation
            return try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Waits for the end, which the caller's cancellation does not hasten; nil when it failed.
    @discardableResult
    func settled() async -> Value? { try? await task.value }

    /// Asks the work to end.
    func cancel() { task.cancel() }
}
