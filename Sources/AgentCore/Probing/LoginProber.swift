import Domain

/// Logs in to a service as its users will: over the network, with the password.
protocol LoginProber: AnyObject {
    /// Tries once.
    ///
    /// - Parameter limit: How long connecting, and then each answer, may take.
    func attempt(
        at address: String, port: Int32, _ probe: LoginProbe, within limit: Duration
    ) async -> LoginOutcome

    /// Makes the data of a spare volume `owner`'s: names of role and database, and the password.
    ///
    /// All or nothing; after an error that says neither it may have happened.
    /// - Parameter spare: How to log in until then.
    /// - Throws: What PostgreSQL refused, or why it was not reached.
    func handOver(
        at address: String, port: Int32, from spare: LoginProbe, to owner: LoginProbe,
        within limit: Duration
    ) async throws
}

/// What a login showed.
struct LoginProof: Equatable, Sendable {
    /// PostgreSQL's system identifier of the data, in decimal; empty when the user may not know it.
    var systemIdentifier: String
    /// Whether PostgreSQL asked for the password: only then a wrong one is refused.
    var demandedPassword: Bool
}

/// What one attempt to log in showed.
enum LoginOutcome: Equatable, Sendable {
    /// Logged in, and `SELECT 1` was answered.
    case proven(LoginProof)
    /// User or password are refused; asking again will not help. What PostgreSQL said.
    case refused(String)
    /// PostgreSQL lets no such user in from there, whatever the password; asking again from there
    /// will not help. What it said.
    case notAdmitted(String)
    /// PostgreSQL serves, and all its connections are taken. What it said.
    case saturated(String)
    /// Nobody listens yet, or PostgreSQL is starting. What was said last.
    case notYet(String)
}
