import EventLoops
import Glibc
import Logging

/// Keeps the one rule that keeps containers from the machine itself: new connections that come in by
/// a bridge of ours are rejected. Connections from the machine to a container are not affected.
///
/// It is the chain's first: behind one that accepts connections to a port, it would not keep containers
/// from that port. So it is looked for in the first place, not anywhere.
///
/// One exception, for Podman only: containers ask the machine, at their own bridge's address, for each
/// other's names. Docker answers those inside of each container.
///
/// Without the rule code in a database container, whose user is a superuser, could reach whatever
/// listens on the machine: the control plane, its PostgreSQL, an unprotected port of Docker.
final class Firewall {
    /// What adds and checks rules.
    typealias Run = @Sendable (String, [String]) throws -> SpawnedProgram.Ended

    /// Where distributions put iptables.
    static let folders = ["/usr/sbin", "/sbin", "/usr/bin"]
    /// How long iptables waits for another of its kind, in seconds.
    static let lockSecondsMax = "5"

    /// Copies of a rule that are removed at one look.
    static let copiesMax = 8

    /// The rule, without the word that says what to do with it, as iptables itself writes it.
    static let rule = [
        "INPUT", "-i", "\(DockerNames.bridgePrefix)+", "-m", "conntrack", "--ctstate", "NEW", "-j",
        "REJECT",
    ]

    /// What stands in for the rule in the moment in which that is moved.
    static let guardRule: [String] = Array(rule.dropLast()) + ["DROP"]

    /// The exception: names, from the address of the very bridge that the question comes in by.
    static let nameRule = [
        "INPUT", "-i", "\(DockerNames.bridgePrefix)+", "-p", "udp", "-m", "udp", "--dport", "53",
        "-m", "addrtype", "--dst-type", "LOCAL", "--limit-iface-in", "-j", "ACCEPT",
    ]

    /// What a look at the rule has led to.
    struct Look: Equatable, Sendable {
        /// Why the rule is not in force; nil when it is.
        var failure: String?
        /// The rule that stood before ours, which is the first now; nil when none did.
        var rival: String?
    }

    private let workers: WorkerPool
    private let logger: Logger
    private let run: Run
    /// Why containers cannot ask for names; nil when they can, or need not.
    private var nameFailure: String?
    /// Whether the log has said that the rule was moved.
    private var hasToldOfRival = false
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

    /// Puts the rule before all others, unless it is there.
    func ensure() async {
        let run = run
        var look = Look()
        do {
            look = try await workers.run { Firewall.ensure(run) }
        } catch {
            look.failure = "\(error)"
        }
        if let rival = look.rival, !hasToldOfRival {
            hasToldOfRival = true
            logger.warning(
                """
                the firewall's rule stood behind another, which may have let containers reach this \
                server; it is the first again, and will be moved whenever it is not
                """, metadata: ["rule_before": "\(rival)"])
        }
        if look.failure != failure {
            if let failure = look.failure {
                logger.error(
                    "the firewall's rule is not in force: containers are not started",
                    metadata: ["cause": "\(failure)"])
            } else {
                logger.info("the firewall's rule is in force")
            }
        }
        failure = look.failure
    }

    /// Puts the exception for names first where it is not; the rule must be in force.
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
    static func ensureNames(_ run: @escaping Run) -> String? {
        with("iptables", run) { iptables in
            guard try iptables.rules().first.map({ isRule($0, nameRule) }) != true else {
                return Look()
            }
            // Behind the rule it would have no effect.
            try iptables.removeAll(nameRule)
            try iptables.insert(nameRule)
            return Look()
        }.failure
    }

    /// Puts the rule first for IPv4, and for IPv6 where the machine has that.
    static func ensure(_ run: @escaping Run) -> Look {
        // Our networks have no IPv6; its rule is a second lock, and may be missing.
        _ = with("ip6tables", run, putFirst)
        return with("iptables", run, putFirst)
    }

    /// Puts the rule before all but the exception.
    private static func putFirst(_ iptables: Tables) throws -> Look {
        let rules = try iptables.rules()
        let first = rules.first { !isRule($0, nameRule) }
        if let first, isRule(first, rule) { return Look() }
        // Never without one of the two: a connection that began in between would stay.
        try iptables.insert(guardRule)
        try iptables.removeAll(rule)
        try iptables.insert(rule)
        try iptables.removeAll(guardRule)
        return Look(rival: rules.contains { isRule($0, rule) } ? first : nil)
    }

    /// Whether a line of a list is a rule: to a REJECT it adds by what.
    private static func isRule(_ line: String, _ rule: [String]) -> Bool {
        let text = "-A \(rule.joined(separator: " "))"
        return line == text || line.hasPrefix("\(text) --reject-with ")
    }

    /// Does something with a program of the iptables, where distributions put it.
    private static func with(
        _ program: String, _ run: @escaping Run, _ work: (Tables) throws -> Look
    ) -> Look {
        for folder in folders {
            do {
                return try work(Tables(path: "\(folder)/\(program)", run: run))
            } catch let error as SystemError where error.code == ENOENT {
                continue
            } catch {
                return Look(failure: "\(error)")
            }
        }
        return Look(failure: "\(program) is not installed")
    }

    /// One of the programs: the chain INPUT by its words.
    private struct Tables {
        let path: String
        let run: Run

        /// The program refused.
        struct Refused: Error, CustomStringConvertible {
            let description: String
        }

        /// The chain's rules in their order, as many as are kept of the output.
        func rules() throws -> [String] {
            try done(["-S", "INPUT"]).split(separator: "\n").map(String.init)
                .filter { $0.hasPrefix("-A ") }
        }

        func insert(_ rule: [String]) throws { _ = try done(["-I"] + rule) }

        /// Removes a rule and its copies; there need not be any.
        func removeAll(_ rule: [String]) throws {
            for _ in 0..<copiesMax where try call(["-D"] + rule).code != 0 { return }
        }

        private func done(_ words: [String]) throws -> String {
            let ended = try call(words)
            guard ended.code == 0 else {
                throw Refused(description: "\(path) ended with \(ended.code): is the agent root?")
            }
            return ended.output
        }

        private func call(_ words: [String]) throws -> SpawnedProgram.Ended {
            try run(path, ["-w", lockSecondsMax] + words)
        }
    }
}
