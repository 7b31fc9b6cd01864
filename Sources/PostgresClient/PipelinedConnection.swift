import EventLoops

/// One open connection in pipeline mode: hands statements to libpq, reads their results in order,
/// wakes who waits.
///
/// Statements travel in segments; each ends with a Sync. Who waits, waits for a Sync: by then every
/// statement of the segment is settled.
final class PipelinedConnection: ReadinessHandler {
    /// What the server still has to answer, in the order of sending.
    enum Expectation {
        case prepared(PreparedStatement, for: PendingStatement)
        case result(PendingStatement)
        case sync
        /// Everything that a script of the simple protocol answers.
        case script(PendingScript)
    }

    struct Waiter {
        let sync: Int
        let continuation: CheckedContinuation<Void, Never>
    }

    let reactor: Reactor
    let workers: WorkerPool
    let configuration: PoolConfiguration
    /// Nil once the connection is closed or lost.
    private(set) var handle: ConnectionHandle?
    /// Why the connection was lost.
    private(set) var loss: PostgresError?
    /// Called once, when the connection is lost while nobody uses it.
    var lostWhileIdle: (() -> Void)?
    /// Called with each notification that arrives.
    var notified: ((_ channel: String, _ payload: String) -> Void)?
    /// Set when the connection must not serve another caller.
    var mustClose = false
    /// Set when a statement that was prepared fits no more.
    var isStale = false
    /// When the server was heard last.
    var heardAt: Instant
    /// When it was last asked something while nothing else was asked.
    private var askedAt: Instant

    var parameters = ParameterBuffer()
    var prepared = PreparedStatements()
    var expected: [Expectation] = []
    var expectedHead = 0
    var headHasResult = false
    var syncsReceived = 0
    var cancellation = Cancellation.none
    var cancelDeadline: LoopTimer?
    var cancelWaiters: [CheckedContinuation<Void, Never>] = []
    private var syncsSent = 0
    private var waiters: [Waiter] = []
    private var watch: Watch?

    init(
        _ handle: ConnectionHandle, reactor: Reactor, workers: WorkerPool,
        configuration: PoolConfiguration
    ) throws(SystemError) {
        self.reactor = reactor
        self.workers = workers
        self.configuration = configuration
        self.handle = handle
        heardAt = reactor.now
        askedAt = reactor.now
        watch = try reactor.watch(handle.socket, for: .readable, handler: self)
    }

    var isIdle: Bool { expectedHead == expected.count }

    /// How long the server has said nothing although it owes an answer; nil when it owes none.
    var silence: Duration? {
        isIdle ? nil : max(heardAt, askedAt).duration(to: reactor.now)
    }

    /// Whether the next caller would find it as if new: alive, nothing pending, no transaction.
    var isClean: Bool {
        guard let handle, !mustClose, isIdle, case .none = cancellation else { return false }
        return handle.isAlive && handle.isInPipelineMode && handle.isIdle && !handle.isReadOnly
    }

    // MARK: Sending

    /// Hands statements and a Sync to libpq and writes as much as the socket takes.
    /// - Returns: The Sync's number, for ``wait(for:)``.
    func send(_ statements: [PendingStatement]) -> Int {
        syncsSent += 1
        guard let handle else {
            for statement in statements { statement.state = .failed(lossError) }
            parameters.removeAll()
            return syncsSent
        }
        if isIdle { askedAt = reactor.now }
        for statement in statements {
            guard handOver(statement, to: handle) else { break }
        }
        parameters.removeAll()
        guard self.handle != nil, handle.sendSync() else {
            lose(handle.error(.connectionLost, "PQpipelineSync"))
            for statement in statements where !statement.isSettled {
                statement.state = .failed(lossError)
            }
            return syncsSent
        }
        expected.append(.sync)
        flush()
        return syncsSent
    }

    private func handOver(_ statement: PendingStatement, to handle: ConnectionHandle) -> Bool {
        let prepared = statement.prepared
        if !prepared.isSent {
            guard handle.sendPrepare(prepared) else { return fail(handle, "PQsendPrepare") }
            prepared.isSent = true
            expected.append(.prepared(prepared, for: statement))
        }
        guard handle.sendExecute(prepared, parameters, statement.arguments) else {
            return fail(handle, "PQsendQueryPrepared")
        }
        statement.state = .sent
        expected.append(.result(statement))
        return true
    }

    private func fail(_ handle: ConnectionHandle, _ function: String) -> Bool {
        lose(handle.error(.connectionLost, function))
        return false
    }

    /// Notes that a script was sent; it counts as one Sync.
    /// - Returns: Its number, for ``wait(for:)``.
    func expectScript(_ script: PendingScript) -> Int {
        syncsSent += 1
        if isIdle { askedAt = reactor.now }
        expected.append(.script(script))
        return syncsSent
    }

    /// Writes what libpq holds; when the socket is full, goes on once it takes more.
    func flush() {
        guard let handle, let watch else { return }
        let interest: Readiness
        switch handle.flush() {
        case .done: interest = .readable
        // While writing, reading goes on: else both sides could wait with full buffers.
        case .pending: interest = [.readable, .writable]
        case .failed:
            lose(handle.error(.connectionLost, "PQflush"))
            return
        }
        do throws(SystemError) {
            try reactor.update(watch, interest: interest)
        } catch {
            lose(PostgresError(.connectionLost, function: error.function, message: "\(error)"))
        }
    }

    // MARK: Waiting

    /// Waits until the Sync of that number was answered or the connection is lost.
    ///
    /// When the task is cancelled, the running statement is cancelled too and its results are
    /// awaited a bounded time more.
    func wait(for sync: Int, isolation: isolated (any Actor)? = #isolation) async {
        guard sync > syncsReceived, handle != nil else { return }
        let bound = LoopBound(self, loop: reactor.loop)
        let timer = scheduleAnswerLimit()
        await withTaskCancellationHandler {
            // Keeps the closure on the loop; else each await in it would leave and come back.
            _ = isolation
            await waitUninterrupted(for: sync)
        } onCancel: {
            bound.use { $0.cancelRunning() }
        }
        timer?.cancel()
    }

    private func scheduleAnswerLimit() -> LoopTimer? {
        guard let limit = configuration.answerDurationMax else { return nil }
        return reactor.schedule(after: limit) {
            self.lose(
                PostgresError(
                    .connectionLost, function: "wait", message: "no answer within \(limit)"))
        }
    }

    /// Waits like ``wait(for:)``, whether cancelled or not.
    func waitUninterrupted(for sync: Int) async {
        guard sync > syncsReceived, handle != nil else { return }
        await withCheckedContinuation { continuation in
            // Looked at again, for the way here may have been suspended.
            if sync > syncsReceived, handle != nil {
                waiters.append(Waiter(sync: sync, continuation: continuation))
            } else {
                continuation.resume()
            }
        }
    }

    func wakeWaiters() {
        guard !waiters.isEmpty else { return }
        let all = waiters
        waiters.removeAll(keepingCapacity: true)
        for waiter in all {
            if waiter.sync <= syncsReceived || handle == nil {
                waiter.continuation.resume()
            } else {
                waiters.append(waiter)
            }
        }
    }

    // MARK: The end

    /// What is thrown for statements that the connection's end left without an answer.
    var lossError: PostgresError {
        loss
            ?? PostgresError(.closed, function: "send", message: "the connection is closed")
    }

    /// Closes the connection; whatever was not answered fails with `error`.
    func lose(_ error: PostgresError) {
        guard handle != nil else { return }
        loss = error
        let wasIdle = isIdle
        close()
        for expectation in expected[expectedHead...] {
            switch expectation {
            case .prepared(_, let statement), .result(let statement):
                if !statement.isSettled { statement.state = .failed(error) }
            case .script(let script):
                script.failure = script.failure ?? error
                script.finished?()
            case .sync: break
            }
        }
        expected = []
        expectedHead = 0
        wakeWaiters()
        if wasIdle { lostWhileIdle?() }
    }

    /// Closes the connection. What was sent and not answered may still take effect.
    func close() {
        if let watch { reactor.stopWatching(watch) }
        watch = nil
        handle = nil
        cancelDeadline?.cancel()
        for waiter in cancelWaiters { waiter.resume() }
        cancelWaiters = []
    }
}
