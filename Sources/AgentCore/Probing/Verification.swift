import DockerEngine
import Domain
import EventLoops
import PostgresClient

/// Waits until a container proves that it serves, or shows that it will not.
final class Verification {
    /// The pause between two attempts: short at first, since databases start in a moment.
    static let pauseMin = Duration.milliseconds(10)
    static let pauseMax = Duration.milliseconds(100)
    /// How long one attempt may take.
    static let attemptMax = Duration.seconds(3)
    /// How long what was learned of a container is relied on. While Docker was away its end may have been
    /// missed, and it may have another address since.
    static let lookPause = Duration.seconds(2)
    /// How many of its last lines a failure shows, and how many bytes of each.
    static let linesShownMax = 20
    static let lineShownBytesMax = 200

    private let engine: any ContainerEngine
    private let prober: any LoginProber
    let reactor: Reactor

    init(engine: any ContainerEngine, prober: any LoginProber, reactor: Reactor) {
        self.engine = engine
        self.prober = prober
        self.reactor = reactor
    }

    /// What to log in to.
    struct Target {
        let containerID: String
        let network: String
        let port: Int32
        var probe: LoginProbe
        let redactor: SecretRedactor
        let deadline: Instant
        /// What a login to this same start of PostgreSQL has shown already, where nobody else reached
        /// it: then an address at which all connections are taken is proof enough.
        var shownElsewhere: LoginProof?

        /// Whether others reach the database at that address: then it must ask for the password.
        var isAmongSiblings: Bool { network != DockerNames.initNetwork }
    }

    /// How long a login waits for a free connection of a PostgreSQL that has proven itself already.
    static let saturatedMax = Duration.seconds(5)

    /// Logs in at the container's own address on the network.
    ///
    /// - Throws: ``JobFailed``: `.loginRefused`, `.loginNotAdmitted`, `.startTimeout`,
    ///   `.connectionsExhausted`, what the container's end means; `.passwordNotRequired` where
    ///   siblings would get in without one. `DockerError`.
    func logIn(_ target: Target, on loop: isolated EventLoop) async throws -> LoginProof {
        let watch = EndWatch()
        let wait = LoopTask(on: loop) {
            defer { watch.hasEnded = true }
            try await self.engine.waitForEnd(of: target.containerID)
        }
        defer { wait.cancel() }
        var pause = Verification.pauseMin
        var last = LoginOutcome.notYet("nobody listened on port \(target.port)")
        var saturatedSince: Instant?
        var address: String?
        var lookedAt = Instant.now()
        while true {
            let isOld = lookedAt.duration(to: .now()) >= Verification.lookPause
            if address == nil || watch.hasEnded || isOld {
                watch.hasEnded = false
                address = try await self.address(of: target)
                lookedAt = .now()
            }
            let left = Instant.now().duration(to: target.deadline)
            guard left > .zero else { throw tooLate(last, target) }
            if let address {
                let limit = min(Verification.attemptMax, left)
                let outcome = await prober.attempt(
                    at: address, port: target.port, target.probe, within: limit)
                try Task.checkCancellation()
                last = outcome
                switch outcome {
                case .proven(let proof):
                    guard proof.demandedPassword || !target.isAmongSiblings else {
                        throw Verification.passwordNotRequired
                    }
                    return proof
                case .refused(let words): throw refused(words, target)
                case .notAdmitted(let words): throw notAdmitted(words, target)
                case .notYet: saturatedSince = nil
                case .saturated:
                    let since = saturatedSince ?? Instant.now()
                    saturatedSince = since
                    if let shown = target.shownElsewhere, shown.demandedPassword,
                        since.duration(to: Instant.now()) >= Verification.saturatedMax
                    {
                        return shown
                    }
                }
            }
            try await reactor.sleep(for: pause)
            pause = min(pause * 3 / 2, Verification.pauseMax)
        }
    }

    /// Logs in as the owner of a spare volume's data, and makes it the target's.
    ///
    /// - Throws: As ``logIn(_:on:)``; `.wrongData` for data that is not the spare's, `.loginRefused`
    ///   when PostgreSQL does not take the new names.
    func handOver(
        _ spare: SpareVolume, to target: Target, on loop: isolated EventLoop
    ) async throws {
        var login = target
        login.probe = spare.owner
        let proof = try await logIn(login, on: loop)
        guard proof.systemIdentifier == spare.systemIdentifier,
            let address = try await address(of: target)
        else {
            throw JobFailed(.wrongData, "The spare volume's data is another PostgreSQL's.")
        }
        do {
            try await prober.handOver(
                at: address, port: target.port, from: spare.owner, to: target.probe,
                within: Verification.attemptMax)
        } catch let error as PostgresError {
            throw JobFailed(
                .loginRefused,
                "PostgreSQL did not take the new names: \(target.redactor.redact(error.message))")
        }
    }

    private final class EndWatch {
        var hasEnded = false
    }

    /// The container's address; nil while it has none yet.
    private func address(of target: Target) async throws -> String? {
        guard let details = try await engine.container(target.containerID) else {
            throw JobFailed(.containerMissing, "The container was removed while it started.")
        }
        switch details.status {
        case .running, .paused: return details.addresses[target.network]
        default: throw await ended(details, target)
        }
    }

    private func ended(_ details: EngineContainerDetails, _ target: Target) async -> JobFailed {
        let lines = try? await engine.lastLines(
            of: target.containerID, count: Verification.linesShownMax)
        return JobFailed(
            ended: details,
            lines: (lines ?? []).map { line in
                // Redacted before the cut: half a secret would not be recognised.
                let text = target.redactor.redact(line)
                return text.utf8.count <= Verification.lineShownBytesMax
                    ? text
                    : String(
                        decoding: text.utf8.prefix(Verification.lineShownBytesMax), as: UTF8.self)
                        + "…"
            })
    }

    private func refused(_ words: String, _ target: Target) -> JobFailed {
        JobFailed(
            .loginRefused,
            "PostgreSQL refused the stored credentials: \(target.redactor.redact(words))")
    }

    private func notAdmitted(_ words: String, _ target: Target) -> JobFailed {
        JobFailed(
            .loginNotAdmitted,
            "PostgreSQL admits no login of the stored user: \(target.redactor.redact(words))")
    }

    private static let passwordNotRequired = JobFailed(
        .passwordNotRequired,
        "PostgreSQL let the agent in without asking for the password, at the address at which the "
            + "environment's other services reach it.")

    private func tooLate(_ last: LoginOutcome, _ target: Target) -> JobFailed {
        switch last {
        case .saturated(let words):
            JobFailed(
                .connectionsExhausted,
                "PostgreSQL serves, and others hold all of its max_connections: "
                    + target.redactor.redact(words))
        case .notYet(let words), .refused(let words), .notAdmitted(let words):
            JobFailed(
                .startTimeout,
                "No login succeeded in time. The last attempt: \(target.redactor.redact(words))")
        case .proven:
            JobFailed(.startTimeout, "A login succeeded, and too late.")
        }
    }
}
