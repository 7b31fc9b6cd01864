public import EventLoops

/// What a PostgreSQL at an address says to someone who shows no credential.
public enum ServerAnswer: Equatable, Sendable {
    /// It asks who is there, or refuses: it takes connections and starts a process for each.
    case serves
    /// It is there, and takes no connections yet or any more (SQLSTATE 57P03). Its words.
    case starting(String)
    /// Nobody answers as PostgreSQL does. Why.
    case silent(String)
}

/// Asks whether a PostgreSQL serves, as `pg_isready` does: the first message of a connection, and then
/// its end. No password is sent; a server that lets everyone in begins a session that ends at once.
public enum ServerPing {
    /// Asks once; never throws, for whatever goes wrong is an answer too.
    ///
    /// - Parameter configuration: Where to: `uri` and `connectDurationMax` count. It has no password.
    public static func ask(
        _ configuration: PoolConfiguration, reactor: Reactor, workers: WorkerPool
    ) async -> ServerAnswer {
        let settings: ConnectionSettings
        do throws(PostgresError) {
            settings = try ConnectionSettings(configuration)
        } catch {
            return .silent(error.message)
        }
        return await withCheckedContinuation { continuation in
            let attempt = ConnectionAttempt(reactor: reactor, settings: settings) { _, result in
                continuation.resume(returning: answer(of: result))
            }
            attempt.start(workers: workers, durationMax: configuration.connectDurationMax)
        }
    }

    private static func answer(of result: Result<ConnectionHandle, PostgresError>) -> ServerAnswer {
        switch result {
        case .success: .serves
        case .failure(let error): answer(of: error)
        }
    }

    /// What it means that a connection did not come about.
    static func answer(of error: PostgresError) -> ServerAnswer {
        if error.wantsPassword { return .serves }
        switch error.sqlState {
        // cannot_connect_now
        case "57P03": return .starting(error.message)
        case nil: return .silent(error.message)
        default: return .serves
        }
    }
}
