public import EventLoops

/// Runs `body` on a new event loop with a thread of its own, stops the loop and gives the result.
///
/// What `body` expects in vain is reported of the calling test: the test's identity is a task-local
/// value, and each task on the way is begun by the one before it.
///
/// - Throws: What `body` throws, or ``SystemError`` when the loop cannot turn.
public func onLoop<R: Sendable>(
    _ body: @escaping @Sendable (isolated EventLoop, Reactor) async throws -> R
) async throws -> R {
    let loop = try EventLoop()
    defer { loop.stop() }
    return try await withCheckedThrowingContinuation { continuation in
        do {
            try loop.runOnNewThread { _, _ in
            } failed: { error in
                // Only before `body` began: a loop whose epoll fails later is a defect that traps
                // here, by resuming twice.
                continuation.resume(throwing: error)
            }
            // Waits in the loop's queue until the loop turns.
            loop.execute { loop, reactor in
                Task.immediate(executorPreference: loop.executor) {
                    do {
                        continuation.resume(returning: try await body(loop, reactor))
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
            }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}
