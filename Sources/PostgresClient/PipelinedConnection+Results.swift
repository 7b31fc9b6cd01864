import EventLoops

extension PipelinedConnection {
    /// Reads what arrived and settles the statements that it answers.
    func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
        guard let handle else { return }
        if readiness.contains(.readable) { heardAt = reactor.now }
        if readiness.contains(.writable) { flush() }
        let isAlive = handle.consumeInput()
        // Also when the connection broke: the server's last words may be among what was read.
        readResults(from: handle)
        deliverNotifications(from: handle)
        guard self.handle != nil else { return }
        if !isAlive || !handle.isAlive {
            lose(handle.error(.connectionLost, "PQconsumeInput"))
        } else if lostWhileIdle != nil, isIdle, handle.isReadOnly {
            lose(
                PostgresError(
                    .connectionLost, function: "PQparameterStatus",
                    message: "the server became read-only"))
        }
    }

    private func readResults(from handle: ConnectionHandle) {
        // PQgetResult says nil after each statement; two in a row mean that libpq has no more.
        var nilsInARow = 0
        while !isIdle, nilsInARow < 2, self.handle != nil, !handle.isBusy {
            if let result = handle.nextResult() {
                nilsInARow = 0
                take(result)
            } else if headHasResult || isScriptHead {
                finishHead()
            } else {
                nilsInARow += 1
            }
        }
        // Parses notices, notifications and parameter changes that arrive while nothing runs.
        if isIdle, self.handle != nil { _ = handle.isBusy }
        wakeWaiters()
    }

    private var isScriptHead: Bool {
        if case .script = expected[expectedHead] { return true }
        return false
    }

    private func take(_ result: ResultSet) {
        headHasResult = true
        switch (expected[expectedHead], result.status) {
        case (.sync, .synchronized):
            syncsReceived += 1
            finishHead()
        case (.prepared, .command):
            break
        case (.prepared(let prepared, let statement), .failed):
            prepared.isSent = false
            settle(statement, with: result, function: "PQsendPrepare")
        case (.prepared(let prepared, _), .skipped):
            prepared.isSent = false
        case (.result(let statement), .rows), (.result(let statement), .command):
            statement.state = .done(result)
        case (.result(let statement), .failed):
            settle(statement, with: result, function: "PQsendQueryPrepared")
        case (.result(let statement), .skipped):
            // Already failed if it was its own preparation that did.
            if !statement.isSettled { statement.state = .skipped }
        case (.script, .rows), (.script, .command):
            break
        case (.script(let script), .failed):
            script.failure = script.failure ?? failure(of: result, function: "PQsendQuery")
        default:
            // COPY, or an answer out of step: nothing after it can be trusted.
            lose(
                PostgresError(
                    .connectionLost, function: "PQgetResult", message: "an unexpected answer")
            )
        }
    }

    private func settle(
        _ statement: PendingStatement, with result: ResultSet, function: String
    ) {
        statement.state = .failed(failure(of: result, function: function))
    }

    private func failure(of result: ResultSet, function: String) -> PostgresError {
        var error = result.error(function: function)
        switch error.sqlState {
        case "57014"? where cancellation.isUnderWay:
            error.kind = .cancelled
        case "25006"?:
            // Read-only now.
            mustClose = true
        case _ where result.isOfStaleStatement:
            error.kind = .statementStale
            mustClose = true
            isStale = true
        default: break
        }
        return error
    }

    private func finishHead() {
        headHasResult = false
        guard expectedHead < expected.count else { return }
        let head = expected[expectedHead]
        expectedHead += 1
        if isIdle {
            expected.removeAll(keepingCapacity: true)
            expectedHead = 0
        }
        if case .script(let script) = head {
            syncsReceived += 1
            script.finished?()
        }
        if isIdle { cancelDrained() }
    }

    private func deliverNotifications(from handle: ConnectionHandle) {
        while self.handle != nil, let notification = handle.nextNotification() {
            notified?(notification.channel, notification.payload)
        }
    }
}
