import Domain
import EventLoops
import Logging
import PostgresClient
import SQL

/// ``LoginProber`` and ``AnswerProber`` by libpq: one connection an attempt, which is closed again.
final class PostgresLoginProber: LoginProber, AnswerProber {
    private let reactor: Reactor
    private let workers: WorkerPool
    /// Refusals are what an attempt expects while a database starts.
    private let silence = Logger(label: "berth.probe") { _ in SwiftLogNoOpLogHandler() }

    init(reactor: Reactor, workers: WorkerPool) {
        self.reactor = reactor
        self.workers = workers
    }

    func attempt(
        at address: String, port: Int32, _ probe: LoginProbe, within limit: Duration
    ) async -> LoginOutcome {
        do {
            let pool = try pool(to: address, port, probe, limit)
            let outcome = await logIn(pool)
            await pool.close()
            return outcome
        } catch {
            return .notYet(error.message)
        }
    }

    func handOver(
        at address: String, port: Int32, from spare: LoginProbe, to owner: LoginProbe,
        within limit: Duration
    ) async throws {
        let login = LoginProbe(
            databaseName: PostgresHandOver.databaseName, username: spare.username,
            password: spare.password)
        let pool = try pool(to: address, port, login, limit)
        do {
            try await pool.inTransaction { tx in
                try await PostgresHandOver.perform(tx, from: spare, to: owner)
            }
            await pool.close()
        } catch {
            await pool.close()
            throw error
        }
    }

    func answer(
        at address: String, port: Int32, as login: ProbeNames, within limit: Duration
    ) async -> ServerAnswer {
        var configuration = PoolConfiguration(
            uri: PostgresLoginProber.parameters(address: address, port: port, login))
        configuration.connectDurationMax = limit
        configuration.applicationName = "berth-agent"
        return await ServerPing.ask(configuration, reactor: reactor, workers: workers)
    }

    /// One connection that says who it is.
    private func pool(
        to address: String, _ port: Int32, _ probe: LoginProbe, _ limit: Duration
    ) throws(PostgresError) -> ConnectionPool {
        var configuration = PoolConfiguration(
            uri: PostgresLoginProber.parameters(address: address, port: port, probe))
        configuration.connectionsMax = 1
        configuration.connectDurationMax = limit
        configuration.waitDurationMax = limit
        configuration.answerDurationMax = limit
        configuration.statementDurationMax = limit
        configuration.closeDurationMax = .milliseconds(100)
        configuration.applicationName = "berth-agent"
        return try ConnectionPool(
            reactor: reactor, workers: workers, configuration: configuration, logger: silence)
    }

    private func logIn(_ pool: ConnectionPool) async -> LoginOutcome {
        do {
            let proof = try await pool.inSession { session in
                LoginProof(
                    systemIdentifier: try await PostgresLoginProber.identify(session),
                    demandedPassword: session.usedPassword)
            }
            return .proven(proof)
        } catch let error as PostgresError {
            return PostgresLoginProber.outcome(of: error)
        } catch {
            return .notYet("\(error)")
        }
    }

    /// What a failed attempt means, by its SQLSTATE.
    static func outcome(of error: PostgresError) -> LoginOutcome {
        switch error.sqlState {
        // invalid_password.
        case "28P01": .refused(error.message)
        // invalid_authorization_specification: pg_hba.conf, or a role that is gone or may not log in.
        case "28000": .notAdmitted(error.message)
        // too_many_connections: also before the password is looked at.
        case "53300": .saturated(error.message)
        default: .notYet(error.message)
        }
    }

    private static func identify(_ session: Session) async throws -> String {
        do {
            let rows = try await session.query(selectIdentifier)
            return try rows.first?.text("system_identifier") ?? ""
        } catch let error as PostgresError where error.sqlState == "42501" {
            _ = try await session.query(selectOne)
            return ""
        }
    }

    private static let selectIdentifier = Statement(
        "agent_identify",
        "SELECT 1 AS one, system_identifier::text AS system_identifier FROM pg_control_system()")
    private static let selectOne = Statement("agent_select_one", "SELECT 1 AS one")

    /// A path at which no file can be. libpq looks for one whenever it has no password, and prints a
    /// warning about any that is not a plain one.
    private static let noFile = "/dev/null/none"

    /// libpq's keywords and values, without any password, also of the environment or of a file.
    static func parameters(address: String, port: Int32, _ login: ProbeNames) -> String {
        let values = [
            ("hostaddr", address), ("port", "\(port)"), ("dbname", login.databaseName),
            ("user", login.username), ("password", ""), ("passfile", noFile),
        ]
        return values.map { "\($0.0)='\(quoted($0.1))'" }.joined(separator: " ")
    }

    /// libpq's keywords and values; holds the password.
    static func parameters(address: String, port: Int32, _ probe: LoginProbe) -> String {
        let values = [
            ("hostaddr", address), ("port", "\(port)"), ("dbname", probe.databaseName),
            ("user", probe.username), ("password", probe.password.revealed),
        ]
        return values.map { "\($0.0)='\(quoted($0.1))'" }.joined(separator: " ")
    }

    /// A value between single quotes (libpq manual, "Keyword/Value Connection Strings").
    private static func quoted(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
    }
}
