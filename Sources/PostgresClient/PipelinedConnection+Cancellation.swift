import EventLoops

extension PipelinedConnection {
    /// How far a cancel of the running statement got.
    enum Cancellation {
        case none
        /// A worker is in PQcancel.
        case requested
        /// PQcancel returned.
        case dispatched

        var isUnderWay: Bool {
            switch self {
            case .none: false
            case .requested, .dispatched: true
            }
        }
    }

    /// Asks the server to cancel what it runs; the results then come, or the connection is given up
    /// after `drainAfterCancel`.
    func cancelRunning() {
        guard let handle, !isIdle, !cancellation.isUnderWay else { return }
        cancellation = .requested
        cancelDeadline = reactor.schedule(after: configuration.drainAfterCancel) {
            self.lose(
                PostgresError(
                    .cancelled, function: "PQcancel",
                    message: "cancelled, and no answer within the time to drain")
            )
        }
        guard let request = handle.cancelRequest() else {
            cancelDispatched()
            return
        }
        callWorker(workers, reactor, for: self) {
            request.send()
        } done: { connection, _ in
            connection.cancelDispatched()
        }
    }

    private func cancelDispatched() {
        cancellation = .dispatched
        cancelDrained()
    }

    /// Ends the cancel once PQcancel returned and every result was read: a cancel that is still on
    /// its way would hit the next caller's statement.
    func cancelDrained() {
        guard case .dispatched = cancellation, isIdle else { return }
        cancelDeadline?.cancel()
        cancelDeadline = nil
        cancellation = .none
        let waiters = cancelWaiters
        cancelWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until no cancel is under way; bounded by the time to drain.
    func cancelSettled() async {
        guard cancellation.isUnderWay, handle != nil else { return }
        await withCheckedContinuation { continuation in
            if cancellation.isUnderWay, handle != nil {
                cancelWaiters.append(continuation)
            } else {
                continuation.resume()
            }
        }
    }
}
