import PostgresClient

/// Asks a database whether it answers, without any credential: the agent keeps none between jobs.
protocol AnswerProber: AnyObject {
    /// Asks once, and hangs up.
    func answer(
        at address: String, port: Int32, as login: ProbeNames, within limit: Duration
    ) async -> ServerAnswer
}

/// Whom a probe names: roles and databases that exist leave no line in PostgreSQL's log.
struct ProbeNames: Equatable, Sendable {
    var username: String
    var databaseName: String
}
