import EventLoops
import Synchronization
import Testing

@testable import AgentCore

@Suite struct FirewallTests {
    /// Notes what was run, and answers by what is asked.
    private final class Programs: Sendable {
        let calls = Mutex<[String]>([])
        func run(_ path: String, _ arguments: [String], code: Int32) -> Int32 {
            calls.withLock { $0.append(([path] + arguments).joined(separator: " ")) }
            return code
        }
    }

    private let rule = "INPUT -i berth+ -m conntrack --ctstate NEW -j REJECT"
    private let names =
        "INPUT -i berth+ -p udp --dport 53 -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT"

    @Test("a rule that is there is left alone, a missing one is put before all others")
    func ensures() {
        let there = Programs()
        #expect(Firewall.ensure { there.run($0, $1, code: 0) } == nil)
        #expect(
            there.calls.withLock { $0 } == [
                "/usr/sbin/ip6tables -w 5 -C \(rule)", "/usr/sbin/iptables -w 5 -C \(rule)",
            ])
        let missing = Programs()
        let outcome = Firewall.ensure { path, arguments in
            missing.run(path, arguments, code: arguments.contains("-C") ? 1 : 0)
        }
        #expect(outcome == nil)
        // What Podman's containers may ask comes after it, so that it stands before it again.
        #expect(
            missing.calls.withLock { $0.suffix(2) } == [
                "/usr/sbin/iptables -w 5 -I \(rule)", "/usr/sbin/iptables -w 5 -D \(names)",
            ])
    }

    @Test("Podman's containers may ask for names: the exception is put before the rule, once")
    func exceptsNames() {
        let there = Programs()
        #expect(Firewall.ensureNames { there.run($0, $1, code: 0) } == nil)
        #expect(there.calls.withLock { $0 } == ["/usr/sbin/iptables -w 5 -C \(names)"])
        let missing = Programs()
        let outcome = Firewall.ensureNames { path, arguments in
            missing.run(path, arguments, code: arguments.contains("-C") ? 1 : 0)
        }
        #expect(outcome == nil)
        #expect(missing.calls.withLock { $0.last } == "/usr/sbin/iptables -w 5 -I \(names)")
    }

    @Test("without iptables, or without the right to it, it says so")
    func failures() {
        let gone = Firewall.ensure { path, _ in
            throw SystemError(function: "posix_spawn \(path)", code: 2)
        }
        #expect(gone == "iptables is not installed")
        let refused = Firewall.ensure { _, _ in 4 }
        #expect(refused == "/usr/sbin/iptables ended with 4: is the agent root?")
    }

    @Test("programs run without a shell, and their exit code is told")
    func programs() throws {
        #expect(try SpawnedProgram.run("/bin/true", []) == 0)
        #expect(try SpawnedProgram.run("/bin/false", ["; true"]) == 1)
        #expect(throws: SystemError.self) { try SpawnedProgram.run("/nowhere/iptables", []) }
    }
}
