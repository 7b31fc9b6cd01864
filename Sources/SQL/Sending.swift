public import PostgresClient

extension StatementQueue {
    func send(
        _ statement: Statement, _ values: [PostgresValue],
        _ onFailure: ((PostgresError) -> any Error)?
    ) -> PendingRows {
        let pending = append(
            statement.name,
            statement.head,
            statement.tail,
            types: values.map(\.typeOID),
            onFailure: onFailure,
            encode: { parameters, types in
                for (index, value) in values.enumerated() {
                    let declared = index < types.count ? types[index] : nil
                    value.encode(into: &parameters, declared: declared)
                }
            }
        )
        return PendingRows(statement: pending, queue: self)
    }
}

extension Transaction {
    /// Queues a statement without waiting.
    ///
    /// - Parameter onFailure: Turns PostgreSQL's refusal of this statement, such as a violated
    ///   constraint, into the error to throw; called wherever the failure surfaces.
    @discardableResult
    public func send(
        _ statement: Statement, _ values: [PostgresValue] = [],
        onFailure: ((PostgresError) -> any Error)? = nil
    ) -> PendingRows {
        queue.send(statement, values, onFailure)
    }

    /// Queues a statement, sends everything queued and waits for its rows.
    /// - Throws: As ``PendingRows/rows()``.
    public func query(
        _ statement: Statement, _ values: [PostgresValue] = [],
        onFailure: ((PostgresError) -> any Error)? = nil
    ) async throws -> [Row] {
        try await queue.send(statement, values, onFailure).rows()
    }

    /// Runs SQL text of any number of statements within the transaction, after what is queued.
    ///
    /// For migrations: the text must not end the transaction. The connection is closed afterwards.
    /// - Throws: ``PostgresError`` of the first statement that failed.
    public func executeScript(_ sql: String) async throws { try await queue.runScript(sql) }
}

extension Session {
    /// Queues a statement without waiting.
    ///
    /// - Parameter onFailure: Turns PostgreSQL's refusal of this statement into the error to throw.
    @discardableResult
    public func send(
        _ statement: Statement, _ values: [PostgresValue] = [],
        onFailure: ((PostgresError) -> any Error)? = nil
    ) -> PendingRows {
        queue.send(statement, values, onFailure)
    }

    /// Queues a statement, sends everything queued and waits for its rows.
    /// - Throws: As ``PendingRows/rows()``.
    public func query(
        _ statement: Statement, _ values: [PostgresValue] = [],
        onFailure: ((PostgresError) -> any Error)? = nil
    ) async throws -> [Row] {
        try await queue.send(statement, values, onFailure).rows()
    }

    /// Runs SQL text of any number of statements by the simple protocol, after what is queued: one
    /// implicit transaction unless the text says BEGIN and COMMIT itself.
    ///
    /// For migrations. The connection is closed after the session, so that settings and session
    /// locks end with it.
    /// - Throws: ``PostgresError`` of the first statement that failed.
    public func executeScript(_ sql: String) async throws { try await queue.runScript(sql) }
}
