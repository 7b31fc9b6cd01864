import EventLoops

extension ConnectionPool {
    /// Asks PostgreSQL for `SELECT 1` over a connection of the pool: a fresh answer for health checks.
    /// - Throws: ``PostgresError``, as ``inSession(_:)``.
    public func ping() async throws {
        try await inSession { session in
            let probe = session.queue.append("berth_ping", "SELECT 1")
            _ = try await session.queue.result(of: probe)
        }
    }

    /// Refuses new callers, waits for the running ones up to `closeDurationMax`, closes everything.
    public func close() async {
        isClosed = true
        isAvailable = false
        backoffTimer?.cancel()
        backoffTimer = nil
        for attempt in attempts { attempt.abandon() }
        attempts = []
        for waiter in waiters { fail(waiter, with: ConnectionPool.closed) }
        for connection in idle { connection.close() }
        idle = []
        guard !inUse.isEmpty else { return }
        let timer = reactor.schedule(after: configuration.closeDurationMax) {
            let error = PostgresError(.connectionLost, function: "close", message: "closing")
            for connection in self.inUse { connection.lose(error) }
            self.inUse = []
            self.wakeClosers()
        }
        await withCheckedContinuation { continuation in
            if inUse.isEmpty { continuation.resume() } else { closers.append(continuation) }
        }
        timer.cancel()
    }

    func wakeClosers() {
        guard inUse.isEmpty else { return }
        for closer in closers { closer.resume() }
        closers = []
    }
}
