import Glibc

/// A few threads for work that would stall a loop: key derivation, name resolution, files.
@safe public final class WorkerPool: @unchecked Sendable {
    // Why @unchecked is right: `queue` is touched only between lock and unlock;
    // the pthread objects are initialised once and live at a fixed address until deinit.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [@Sendable () -> Void] = []

    /// How much work may wait for a thread unless told otherwise.
    public static let queuedMax = 1024
    /// How much work of this pool may wait for a thread.
    public let queuedMax: Int

    /// The pool has ``queuedMax`` pieces of work waiting.
    public struct Full: Error {}

    /// Starts `threads` threads, which live as long as the process.
    /// - Throws: ``SystemError`` of `pthread_create`.
    public init(
        threads: Int, queuedMax: Int = WorkerPool.queuedMax
    ) throws(SystemError) {
        self.queuedMax = queuedMax
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
        for _ in 0..<max(1, threads) { try startThread { self.work() } }
    }

    /// Runs `body` on a worker and comes back to the caller's executor.
    ///
    /// Not cut short by cancellation: `body` cannot be interrupted.
    /// - Throws: What `body` throws, or ``Full``.
    public func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let isQueued = enqueue { continuation.resume(with: Swift.Result { try body() }) }
            if !isQueued { continuation.resume(throwing: Full()) }
        }
    }

    private func enqueue(_ body: @escaping @Sendable () -> Void) -> Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        guard queue.count < queuedMax else { return false }
        queue.append(body)
        unsafe pthread_cond_signal(condition)
        return true
    }

    private func work() {
        while true {
            unsafe pthread_mutex_lock(mutex)
            while queue.isEmpty { unsafe pthread_cond_wait(condition, mutex) }
            let body = queue.removeFirst()
            unsafe pthread_mutex_unlock(mutex)
            body()
        }
    }
}
