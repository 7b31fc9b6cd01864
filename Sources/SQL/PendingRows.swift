import PostgresClient

/// The result of a statement that was queued.
///
/// Whoever needs it awaits it; for whoever does not, the statement's failure surfaces at the next
/// awaited result or at commit.
public struct PendingRows {
    let statement: PendingStatement
    let queue: StatementQueue

    /// Sends everything queued, waits for the answer and gives the rows.
    ///
    /// - Throws: The first failure among the statements that ran before and this one, in the words of
    ///   that statement's `onFailure`; ``PostgresError`` for everything else.
    public func rows() async throws -> [Row] {
        let result = try await queue.result(of: statement)
        return (0..<result.rowCount).map { Row(result: result, index: $0) }
    }

    /// Sends everything queued, waits and gives the number of rows inserted, updated, deleted or
    /// selected.
    /// - Throws: As ``rows()``.
    public func affectedRowCount() async throws -> Int {
        try await queue.result(of: statement).affectedRowCount
    }
}
