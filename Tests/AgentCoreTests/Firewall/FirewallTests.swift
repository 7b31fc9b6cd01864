import EventLoops
import Synchronization
import TestSupport
import Testing

@testable import AgentCore

@Suite struct FirewallTests {
    /// Chains that obey as iptables does, and note what was asked.
    private final class Chains: Sendable {
        private let rules: Mutex<[String]>
        let calls = Mutex<[String]>([])

        init(_ rules: [String] = []) { self.rules = Mutex(rules) }

        var input: [String] { rules.withLock { $0 } }

        @Sendable func run(_ path: String, _ arguments: [String]) -> SpawnedProgram.Ended {
            guard path == "/usr/sbin/iptables" else {
                return SpawnedProgram.Ended(code: 3, output: "")
            }
            calls.withLock { $0.append(arguments.joined(separator: " ")) }
            let rule = arguments.dropFirst(4).joined(separator: " ")
            return rules.withLock { rules in
                switch arguments[2] {
                case "-S":
                    let lines = ["-P INPUT ACCEPT"] + rules.map { "-A INPUT \($0)" }
                    return SpawnedProgram.Ended(code: 0, output: lines.joined(separator: "\n"))
                case "-I":
                    let reason =
                        rule.hasSuffix("REJECT") ? " --reject-with icmp-port-unreachable" : ""
                    rules.insert(rule + reason, at: 0)
                case "-D":
                    guard let place = rules.firstIndex(where: { $0.hasPrefix(rule) }) else {
                        return SpawnedProgram.Ended(code: 1, output: "")
                    }
                    rules.remove(at: place)
                default: return SpawnedProgram.Ended(code: 2, output: "")
                }
                return SpawnedProgram.Ended(code: 0, output: "")
            }
        }
    }

    private let rule =
        "-i berth+ -m conntrack --ctstate NEW -j REJECT --reject-with icmp-port-unreachable"
    private let names =
        "-i berth+ -p udp -m udp --dport 53 -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT"
    private let opening = "-p tcp -m tcp --dport 7443 -j ACCEPT"

    @Test("a rule that is the first is left alone, also behind the exception")
    func leavesAlone() {
        for rules in [[rule, opening], [names, rule, opening]] {
            let chains = Chains(rules)
            #expect(Firewall.ensure(chains.run) == Firewall.Look())
            #expect(chains.calls.withLock { $0 } == ["-w 5 -S INPUT"])
        }
    }

    @Test("a missing rule is put before all others")
    func adds() {
        let chains = Chains([opening])
        #expect(Firewall.ensure(chains.run) == Firewall.Look())
        #expect(chains.input == [rule, opening])
    }

    @Test(
        "a rule behind another, by which that has no effect, is moved before it, and that is told")
    func moves() {
        for rules in [[opening, rule], [opening, rule, rule], [names, opening, names, rule]] {
            let chains = Chains(rules)
            #expect(Firewall.ensure(chains.run) == Firewall.Look(rival: "-A INPUT \(opening)"))
            #expect(chains.input.first == rule, "\(chains.input)")
            #expect(chains.input.filter { $0 == rule }.count == 1)
            #expect(!chains.input.contains { $0.hasSuffix("DROP") })
            #expect(Firewall.ensure(chains.run) == Firewall.Look())
        }
    }

    @Test("while the rule is moved containers are kept out, and a move that broke off is finished")
    func neverOpen() {
        let chains = Chains([opening, rule])
        let stand = Mutex<[[String]]>([])
        _ = Firewall.ensure { path, arguments in
            defer { stand.withLock { $0.append(chains.input) } }
            return chains.run(path, arguments)
        }
        let stands = stand.withLock { $0 }.drop { $0.first == opening }
        #expect(!stands.isEmpty)
        for rules in stands {
            #expect(rules.first { $0 == opening || $0.contains("--ctstate NEW") } != opening)
        }
        let broken = Chains(["-i berth+ -m conntrack --ctstate NEW -j DROP", opening])
        _ = Firewall.ensure(broken.run)
        #expect(broken.input == [rule, opening])
    }

    @Test("Podman's containers may ask for names: the exception is put before the rule, once")
    func exceptsNames() {
        for rules in [[rule, opening], [rule, names, opening], [rule, opening, names, names]] {
            let chains = Chains(rules)
            #expect(Firewall.ensureNames(chains.run) == nil)
            #expect(chains.input == [names, rule, opening])
            chains.calls.withLock { $0 = [] }
            #expect(Firewall.ensureNames(chains.run) == nil)
            #expect(chains.calls.withLock { $0 } == ["-w 5 -S INPUT"])
            #expect(Firewall.ensure(chains.run) == Firewall.Look())
        }
    }

    @Test("without iptables, or without the right to it, it says so")
    func failures() {
        let gone = Firewall.ensure { path, _ in
            throw SystemError(function: "posix_spawn \(path)", code: 2)
        }
        #expect(gone.failure == "iptables is not installed")
        let refused = Firewall.ensure { _, _ in SpawnedProgram.Ended(code: 4, output: "") }
        #expect(refused.failure == "/usr/sbin/iptables ended with 4: is the agent root?")
    }

    @Test("the machine's own iptables write the rules as they are looked for")
    func realPrograms() throws {
        let place = "berth-test-\(UInt32.random(in: 0...UInt32.max))"
        _ = try Command.run(["ip", "netns", "add", place])
        defer { _ = try? Command.run(["ip", "netns", "del", place]) }
        let inPlace: Firewall.Run = { path, arguments in
            try SpawnedProgram.run(
                "/usr/bin/env", ["ip", "netns", "exec", place, path] + arguments)
        }
        func listed() throws -> [String] {
            try inPlace("/usr/sbin/iptables", ["-S", "INPUT"]).output.split(separator: "\n")
                .dropFirst().map { String($0.dropFirst("-A INPUT ".count)) }
        }
        #expect(Firewall.ensure(inPlace) == Firewall.Look())
        #expect(try listed() == [rule])
        let opened = try inPlace(
            "/usr/sbin/iptables", ["-I", "INPUT"] + opening.split(separator: " ").map(String.init))
        #expect(opened.code == 0)
        #expect(Firewall.ensure(inPlace) == Firewall.Look(rival: "-A INPUT \(opening)"))
        #expect(try listed() == [rule, opening])
        #expect(Firewall.ensureNames(inPlace) == nil)
        #expect(Firewall.ensureNames(inPlace) == nil)
        #expect(Firewall.ensure(inPlace) == Firewall.Look())
        #expect(try listed() == [names, rule, opening])
    }

    @Test(
        "programs run without a shell; their exit code is told, and the beginning of their output")
    func programs() throws {
        #expect(try SpawnedProgram.run("/bin/true", []).code == 0)
        #expect(try SpawnedProgram.run("/bin/false", ["; true"]).code == 1)
        #expect(try SpawnedProgram.run("/bin/echo", ["$HOME; true"]).output == "$HOME; true\n")
        let long = try SpawnedProgram.run("/usr/bin/head", ["--bytes=1000000", "/dev/zero"])
        #expect(long.code == 0)
        #expect(long.output.utf8.count == SpawnedProgram.outputBytesMax)
        #expect(throws: SystemError.self) { try SpawnedProgram.run("/nowhere/iptables", []) }
    }
}
