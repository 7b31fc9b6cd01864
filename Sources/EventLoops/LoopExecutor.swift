import CLinux
import Glibc
import Synchronization

/// Runs the Swift jobs of one event loop on the loop's own thread.
///
/// A job enqueued by the loop's thread goes to a plain array; a job enqueued from elsewhere goes
/// through a lock and wakes the loop by its eventfd. As a task executor it also keeps everything a
/// task does without isolation (cancellation handlers, continuations) on the loop.
public final class LoopExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    // Why @unchecked is right: `local` and `running` are touched only on the loop's thread, `remote`
    // only under its lock; `thread` is atomic, for others ask while the loop's thread is starting.
    private let thread = Atomic<pthread_t>(0)
    private var local: [UnownedJob] = []
    private var running: [UnownedJob] = []
    private let remote = Mutex(RemoteJobs())
    let wakeDescriptor: Int32

    private struct RemoteJobs {
        var jobs: [UnownedJob] = []
        var wakePending = false
    }

    init() throws(SystemError) {
        wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard wakeDescriptor >= 0 else { throw .last("eventfd") }
    }

    deinit { close(wakeDescriptor) }

    /// Whether the caller runs on the loop's thread.
    public var isOnLoop: Bool {
        // Relaxed: only the loop's own thread can find itself here, and it wrote the value.
        pthread_equal(thread.load(ordering: .relaxed), pthread_self()) != 0
    }

    /// Makes the calling thread the loop's thread.
    func adoptCurrentThread() { thread.store(pthread_self(), ordering: .relaxed) }

    /// Queues one job; it runs in the loop's current or next turn.
    public func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        if isOnLoop {
            local.append(unowned)
            return
        }
        let mustWake = remote.withLock { queue in
            queue.jobs.append(unowned)
            defer { queue.wakePending = true }
            return !queue.wakePending
        }
        if mustWake { wake() }
    }

    /// Traps unless called on the loop's thread.
    public func checkIsolated() {
        precondition(isOnLoop, "a loop's state was reached from another thread")
    }

    /// Tells the runtime whether the current thread is the loop's.
    public func isIsolatingCurrentContext() -> Bool? { isOnLoop }

    /// Makes `epoll_wait` return.
    func wake() {
        var one: UInt64 = 1
        // Safe: eight bytes of a live local. EAGAIN means that a wake-up is already pending.
        _ = unsafe write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Takes the jobs that other threads enqueued; called when the eventfd is readable.
    func takeRemoteJobs() {
        var count: UInt64 = 0
        // Safe: eight bytes into a live local; the counter's value does not matter.
        _ = unsafe read(wakeDescriptor, &count, MemoryLayout<UInt64>.size)
        remote.withLock { queue in
            local.append(contentsOf: queue.jobs)
            queue.jobs.removeAll(keepingCapacity: true)
            queue.wakePending = false
        }
    }

    /// Runs jobs, and the jobs that they make, until none is left or ``batchesAPassMax`` is reached.
    /// - Returns: Whether any ran.
    func runJobs() -> Bool {
        guard !local.isEmpty else { return false }
        for _ in 0..<LoopExecutor.batchesAPassMax {
            guard !local.isEmpty else { break }
            swap(&local, &running)
            for job in running {
                // Safe: each job is run once, on the thread both executors stand for.
                unsafe job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            }
            running.removeAll(keepingCapacity: true)
        }
        return true
    }

    /// Jobs that keep making jobs must not starve the descriptors.
    private static let batchesAPassMax = 64
}
