import Domain
import PostgresClient

@testable import AgentCore

/// Logs in to the fake's PostgreSQL.
final class FakeProber: LoginProber, AnswerProber {
    private let engine: FakeEngine
    private(set) var addresses: [String] = []
    private(set) var asked: [ProbeNames] = []

    init(_ engine: FakeEngine) { self.engine = engine }

    func attempt(
        at address: String, port: Int32, _ probe: LoginProbe, within limit: Duration
    ) async -> LoginOutcome {
        addresses.append(address)
        guard let container = engine.serving(at: address), engine.behaviour != .hangs else {
            return .notYet("connection refused")
        }
        if engine.admitsItsEnvironmentAlone, address.contains("@\(DockerNames.initNetwork)") {
            return .notAdmitted("no pg_hba.conf entry for host")
        }
        if engine.isSaturated, address.contains("@berth-env-") {
            return .saturated("sorry, too many clients already")
        }
        if engine.behaviour == .refusesLogins || engine.owner(of: container) != probe {
            return .refused("password authentication failed")
        }
        return .proven(
            LoginProof(
                systemIdentifier: engine.identifier(of: container) ?? "",
                demandedPassword: !engine.trustsEveryone))
    }

    func answer(
        at address: String, port: Int32, as login: ProbeNames, within limit: Duration
    ) async -> ServerAnswer {
        asked.append(login)
        guard engine.serving(at: address) != nil, engine.behaviour != .hangs else {
            return .silent("timeout")
        }
        return .serves
    }

    func handOver(
        at address: String, port: Int32, from spare: LoginProbe, to owner: LoginProbe,
        within limit: Duration
    ) async throws {
        guard let container = engine.serving(at: address), engine.owner(of: container) == spare,
            engine.canHandOver
        else {
            throw PostgresError(.serverError, function: "ALTER ROLE", message: "refused")
        }
        engine.handOver(container, to: owner)
    }
}
