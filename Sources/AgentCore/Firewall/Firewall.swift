import EventLoops
import Glibc
import Logging

/// Keeps the one rule that keeps containers from the machine itself: new connections that come in by
/// a bridge of ours are rejected. Connections from the machine to a container are not affected.
///
/// One exception, for Podman only: containers ask the machine, at their own bridge's address, for each
/// other's names. Docker answers those inside of each container.
///
/// Without the rule code in a database container, whose user is a superuser, could reach whatever
/// listens on the machine: the control plane, its PostgreSQL, an unprotected port of Docker.
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

    /// The exception: names, from the address of the very bridge that the question comes in by.
    static let nameRule = [
        "INPUT", "-i", "\(DockerNames.bridgePrefix)+", "-p", "udp", "--dport", "53", "-m",
        "addrtype", "--dst-type", "LOCAL", "--limit-iface-in", "-j", "ACCEPT",
    ]

    private let workers: WorkerPool
    private let logger: Logger
    private let run: Run
    /// Why containers cannot ask for names; nil when they can, or need not.
    private var nameFailure: String?
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

    /// Adds the exception for names where it is missing; the rule must be in force.
    func ensureNames() async {
        let run = run
        let outcome: String?
        do {
            outcome = try await workers.run { Firewall.ensureNames(run) }
        } catch {
            outcome = "\(error)"
        }
        if outcome != nameFailure, let outcome {
            logger.error(
                "the firewall keeps Podman's containers from finding each other by name",
                metadata: ["cause": "\(outcome)"])
        }
        nameFailure = outcome
    }

    /// Puts the exception before the rule, unless it is there.
    /// - Returns: Why it is not in force; nil when it is.
    static func ensureNames(_ run: Run) -> String? { ensure("iptables", nameRule, run) }

    /// Adds the rule for IPv4, and for IPv6 where the machine has that.
    /// - Returns: Why it is not in force for IPv4; nil when it is.
    static func ensure(_ run: Run) -> String? {
        // Our networks have no IPv6; its rule is a second lock, and may be missing.
        _ = ensure("ip6tables", rule, run)
        return ensure("iptables", rule, run) {
            // An exception that is there already would now stand behind the rule.
            _ = try? run($0, ["-w", lockSecondsMax, "-D"] + nameRule)
        }
    }

    /// - Parameter added: Called with the program's path when the rule was not there and is now.
    private static func ensure(
        _ program: String, _ rule: [String], _ run: Run, added: (String) -> Void = { _ in }
    ) -> String? {
        var reason = "\(program) is not installed"
        for folder in folders {
            let path = "\(folder)/\(program)"
            do {
                if try run(path, ["-w", lockSecondsMax, "-C"] + rule) == 0 { return nil }
                // Before any rule that lets others in.
                let code = try run(path, ["-w", lockSecondsMax, "-I"] + rule)
                if code == 0 {
                    added(path)
                    return nil
                }
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
