import EventLoops
import Glibc
import Logging

/// Keeps the one rule that keeps containers from the machine itself: new connections that come in by
/// a bridge of ours are rejected. Connections from the machine to a container are not affected.
///
/// Without it code in a database container, whose user is a superuser, could reach whatever listens on
/// the machine: the control plane, its PostgreSQL, an unprotected port of Docker.
final class Firewall {
    /// What adds and checks rules.
    typealias Run = @Sendable (String, [String]) throws -> Int32

    /// Where distributions put iptables.
    static let folders = ["/usr/sbin", "/sbin", "/usr/bin"]
    /// How long iptables waits for another of its kind, in seconds.
    static let lockSecondsMax = "5"

    /// The rule, without the word that says what to do with it.
    static let rule = [
        "INPUT", "-i", "\(DockerNames.bridgePrefix)+", "-m", "conntrack", "--ctstate", "NEW", "-j",
        "REJECT",
    ]

    private let workers: WorkerPool
    private let logger: Logger
    private let run: Run
    /// Why the rule is not in force; nil when it is.
    private(set) var failure: String? = "it was not checked yet"

    init(
        workers: WorkerPool, logger: Logger,
        run: @escaping Run = { try SpawnedProgram.run($0, $1) }
    ) {
        self.workers = workers
        self.logger = logger
        self.run = run
    }

    /// Adds the rule where it is missing.
    func ensure() async {
        let run = run
        let outcome: String?
        do {
            outcome = try await workers.run { Firewall.ensure(run) }
        } catch {
            outcome = "\(error)"
        }
        if outcome != failure {
            if let outcome {
                logger.error(
                    "the firewall's rule is not in force: containers are not started",
                    metadata: ["cause": "\(outcome)"])
            } else {
                logger.info("the firewall's rule is in force")
            }
        }
        failure = outcome
    }

    /// Adds the rule for IPv4, and for IPv6 where the machine has that.
    /// - Returns: Why it is not in force for IPv4; nil when it is.
    static func ensure(_ run: Run) -> String? {
        // Our networks have no IPv6; its rule is a second lock, and may be missing.
        _ = ensure("ip6tables", run)
        return ensure("iptables", run)
    }

    private static func ensure(_ program: String, _ run: Run) -> String? {
        var reason = "\(program) is not installed"
        for folder in folders {
            let path = "\(folder)/\(program)"
            do {
                if try run(path, ["-w", lockSecondsMax, "-C"] + rule) == 0 { return nil }
                // Before any rule that lets others in.
                let code = try run(path, ["-w", lockSecondsMax, "-I"] + rule)
                if code == 0 { return nil }
                return "\(path) ended with \(code): is the agent root?"
            } catch let error as SystemError where error.code == ENOENT {
                continue
            } catch {
                reason = "\(error)"
            }
        }
        return reason
    }
}
