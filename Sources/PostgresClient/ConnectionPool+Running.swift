import EventLoops

extension ConnectionPool: TransactionRunner {
    /// Runs `body` in one transaction; see ``TransactionRunner``.
    ///
    /// - Throws: What `body` throws, or ``PostgresError``: `.unavailable`, `.poolExhausted` and
    ///   `.closed` before `body` ran; `.outcomeUnknown` alone leaves open whether it was committed.
    @discardableResult
    public func inTransaction<R>(_ body: (Transaction) async throws -> R) async throws -> R {
        let connection = try await acquire(.transaction)
        let transaction = Transaction(connection)
        transaction.begin()
        do {
            let result = try await body(transaction)
            try await transaction.commit()
            counts.commits += 1
            CommitRecord.current?.noteCommit()
            // A cancel that came too late may still be on its way.
            await connection.cancelSettled()
            finish(transaction.queue, connection)
            return result
        } catch {
            note(failed: error)
            await cleanUp(transaction.queue, connection)
            finish(transaction.queue, connection)
            throw error
        }
    }

    private func note(failed error: any Error) {
        guard let error = error as? PostgresError, error.kind == .outcomeUnknown else {
            counts.rollbacks += 1
            return
        }
        counts.unknownOutcomes += 1
        CommitRecord.current?.noteCommit()
    }

    /// Leaves no transaction open and no statement running, or closes the connection.
    private func cleanUp(_ queue: StatementQueue, _ connection: PipelinedConnection) async {
        queue.dropUnsent()
        await connection.cancelSettled()
        guard let handle = connection.handle, !handle.isIdle || !connection.isIdle else { return }
        let timer = reactor.schedule(after: configuration.rollbackDurationMax) {
            connection.lose(
                PostgresError(
                    .connectionLost, function: "ROLLBACK", message: "no answer to ROLLBACK")
            )
        }
        let rollback = queue.append("berth_rollback", "ROLLBACK")
        await queue.rollBack(rollback)
        timer.cancel()
    }

    private func finish(_ queue: StatementQueue, _ connection: PipelinedConnection) {
        queue.isEnded = true
        counts.roundTrips += queue.roundTrips
        release(connection)
    }
}

extension ConnectionPool: SessionRunner {
    /// Runs `body` with a connection of its own; see ``SessionRunner``.
    ///
    /// - Throws: What `body` throws, or ``PostgresError``.
    @discardableResult
    public func inSession<R>(_ body: (Session) async throws -> R) async throws -> R {
        let connection = try await acquire(.session)
        let session = Session(connection)
        do {
            let result = try await body(session)
            try await session.finish()
            // A body may have sent BEGIN itself.
            await cleanUp(session.queue, connection)
            finish(session.queue, connection)
            return result
        } catch {
            await cleanUp(session.queue, connection)
            finish(session.queue, connection)
            throw error
        }
    }
}
