/// A script of several statements on its way, by the simple protocol.
final class PendingScript {
    var failure: PostgresError?
    /// Called when every statement was answered or the connection was lost.
    var finished: (() -> Void)?
}

extension PipelinedConnection {
    /// Runs SQL text of any number of statements, outside of pipeline mode, and waits for its end.
    ///
    /// The connection is closed after its current caller: a script may change settings, take
    /// session locks or drop what prepared statements rely on.
    /// - Throws: The first statement's error that failed; what follows it did not run.
    func runScript(_ sql: String) async throws(PostgresError) {
        let script = PendingScript()
        let sync = try startScript(sql, script)
        await wait(for: sync)
        if let handle, !handle.enterPipelineMode() {
            lose(handle.error(.connectionLost, "PQenterPipelineMode"))
        }
        if let failure = script.failure ?? loss { throw failure }
    }

    /// Leaves pipeline mode and sends SQL text; the connection must not be pooled afterwards.
    /// - Returns: What to wait for.
    func startScript(_ sql: String, _ script: PendingScript) throws(PostgresError) -> Int {
        guard let handle else { throw lossError }
        mustClose = true
        guard isIdle, handle.exitPipelineMode(), handle.sendScript(sql) else {
            let error = handle.error(.connectionLost, "PQsendQuery")
            lose(error)
            throw error
        }
        let sync = expectScript(script)
        flush()
        return sync
    }
}
