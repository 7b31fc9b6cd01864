import Glibc

/// One thread that waits for descriptors and timers and runs the Swift jobs of what lives on it.
///
/// Everything of a loop (connections, sessions, pools, modules) is plain non-Sendable state,
/// reached from functions that take `isolated EventLoop` and from the async functions they call.
/// A task that shall stay on the loop is begun in such a function by
/// `Task.immediate(executorPreference: loop.executor) { _ = loop; … }`; the mention of `loop` makes
/// the closure inherit the isolation.
public actor EventLoop {
    /// Runs this loop's jobs on its thread.
    public nonisolated let executor: LoopExecutor
    /// The executor that the actor's isolation stands for.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        // Safe: the executor lives as long as the actor that holds it.
        unsafe executor.asUnownedSerialExecutor()
    }

    private var heldReactor: Reactor?
    private var isStopping = false

    /// Makes a loop that no thread turns yet.
    /// - Throws: ``SystemError`` of `eventfd`.
    public init() throws(SystemError) {
        executor = try LoopExecutor()
    }

    /// Turns the loop on the calling thread until ``stop()``.
    ///
    /// - Parameter setUp: Called first, on the loop; builds what shall live on it.
    /// - Throws: What `setUp` throws, or ``SystemError`` of epoll.
    public nonisolated func run(
        setUp: @Sendable (isolated EventLoop, Reactor) throws -> Void
    ) throws {
        executor.adoptCurrentThread()
        try assumeIsolated { loop in
            let reactor = try Reactor(loop: loop, wakeDescriptor: loop.executor.wakeDescriptor)
            loop.heldReactor = reactor
            defer { loop.heldReactor = nil }
            try setUp(loop, reactor)
            while !loop.isStopping { try loop.turn(reactor) }
        }
    }

    /// Starts a thread of its own that turns the loop until ``stop()``.
    ///
    /// - Parameters:
    ///   - failed: Called on that thread with what ``run(setUp:)`` threw.
    ///   - ended: Called on that thread last, when nothing of the loop is left on it.
    public nonisolated func runOnNewThread(
        setUp: @escaping @Sendable (isolated EventLoop, Reactor) throws -> Void,
        failed: @escaping @Sendable (any Error) -> Void,
        ended: @escaping @Sendable () -> Void = {}
    ) throws(SystemError) {
        try startThread {
            do {
                try self.run(setUp: setUp)
            } catch {
                failed(error)
            }
            ended()
        }
    }

    /// Makes the loop return from ``run(setUp:)`` after its current turn. Callable from any thread.
    public nonisolated func stop() {
        execute { loop, _ in loop.isStopping = true }
    }

    /// Runs `work` on the loop, in its current or next turn. Callable from any thread; without
    /// effect once the loop has stopped.
    public nonisolated func execute(
        _ work: @escaping @Sendable (isolated EventLoop, Reactor) -> Void
    ) {
        Task(executorPreference: executor) { await self.perform(work) }
    }

    private func perform(_ work: (isolated EventLoop, Reactor) -> Void) {
        guard let heldReactor else { return }
        work(self, heldReactor)
    }

    /// events → timers → jobs → end-of-turn handlers, the last two until both are quiet.
    private func turn(_ reactor: Reactor) throws(SystemError) {
        try reactor.pollAndDispatch(on: self, hurry: hasWork)
        hasWork = false
        for _ in 0..<EventLoop.roundsATurnMax {
            let ranJobs = executor.runJobs()
            let ranHandlers = reactor.runEndOfTurnHandlers(on: self)
            if !ranJobs && !ranHandlers { return }
        }
        // Work that keeps making work must not starve the descriptors: poll, then go on.
        hasWork = true
    }

    // True at first: what `setUp` began must run before the loop may wait.
    private var hasWork = true
    private static let roundsATurnMax = 16
}

/// Starts a detached thread that runs `body` once.
func startThread(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    // Safe: the attributes are initialised before use and destroyed after; the box is retained for
    // the thread, which takes that reference over exactly once.
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let box = unsafe Unmanaged.passRetained(Box(body))
    let code = unsafe pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument = unsafe argument else { return nil }
            unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    guard code == 0 else {
        unsafe box.release()
        throw SystemError(function: "pthread_create", code: code)
    }
}
