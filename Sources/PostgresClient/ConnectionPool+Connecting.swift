import EventLoops
import Logging

/// How long to pause after failed attempts to connect.
struct Backoff {
    private var failures = 0

    /// The next pause: doubled each time up to a maximum, less up to a half of it at random, so that
    /// many clients do not come back in step.
    mutating func next(min: Duration, max: Duration) -> Duration {
        let doubled = min * (1 << Swift.min(failures, 16))
        failures += 1
        return Swift.min(doubled, max) * Double.random(in: 0.5...1)
    }

    mutating func reset() { failures = 0 }
}

extension ConnectionPool {
    /// Opens as many connections as waiters could use, within the limit.
    func connectIfNeeded(waiting: Int) {
        while !isClosed, backoffTimer == nil, attempts.count < waiting,
            open + attempts.count < configuration.connectionsMax
        {
            connect()
        }
    }

    /// Finds out whether PostgreSQL can be reached, when no connection is left to tell.
    func probe() {
        guard !isClosed, attempts.isEmpty else { return }
        // A pause because one more connection was refused says nothing about the last one's loss.
        if outage == nil {
            backoffTimer?.cancel()
            backoffTimer = nil
        }
        if backoffTimer == nil { connect() }
    }

    private func connect() {
        let attempt = ConnectionAttempt(reactor: reactor, settings: settings) {
            [weak self] attempt, result in
            self?.attempts.removeAll { $0 === attempt }
            self?.attempted(result)
        }
        attempts.append(attempt)
        attempt.start(workers: workers, durationMax: configuration.connectDurationMax)
    }

    private func attempted(_ result: Result<ConnectionHandle, PostgresError>) {
        do {
            let connection = try PipelinedConnection(
                result.get(), reactor: reactor, workers: cancelWorkers, configuration: configuration
            )
            if connection.handle?.isReadOnly == true {
                connection.close()
                throw ConnectionPool.readOnly
            }
            connected(connection)
        } catch {
            connectFailed(error)
        }
    }

    private static let readOnly = PostgresError(
        .connectionFailed, function: "connect", message: "the server is read-only")

    private func connected(_ connection: PipelinedConnection) {
        counts.connects += 1
        backoff.reset()
        outage = nil
        isAvailable = true
        offer(connection)
    }

    private func connectFailed(_ error: any Error) {
        let error =
            error as? PostgresError
            ?? PostgresError(.connectionFailed, function: "connect", message: "\(error)")
        counts.connectFailures += 1
        logger.warning("cannot connect to PostgreSQL", metadata: ["cause": "\(error)"])
        if open == 0, attempts.isEmpty {
            outage = error
            isAvailable = false
            for waiter in waiters { fail(waiter, with: unavailable(error)) }
        }
        guard backoffTimer == nil, !isClosed else { return }
        let pause = backoff.next(min: configuration.backoffMin, max: configuration.backoffMax)
        backoffTimer = reactor.schedule(after: pause) { [weak self] in
            guard let self else { return }
            self.backoffTimer = nil
            if self.open == 0 { self.probe() } else { self.connectIfNeeded(waiting: waiters.count) }
        }
    }
}
