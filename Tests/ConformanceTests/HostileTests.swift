import TestSupport
import Testing

@Suite struct HostileTests {
    /// The one short time of each server that has one: values of `interop-server --brisk`.
    private static let brisk = [
        "preface", "headers", "write-stall", "window-stall", "keepalive", "idle", "age",
    ]

    @Test("every hostile case ends in the right error, within bounds, and harms nobody else")
    func hostile() throws {
        var servers = [("plain", try InteropServer()), ("tls", try InteropServer(tls: true))]
        for name in HostileTests.brisk {
            servers.append((name, try InteropServer(["--brisk", name])))
        }
        let outcomes = try Outcomes.of(
            script: "hostile.py",
            servers.map { name, server in
                let authority = server.authority.map { ",\($0)" } ?? ""
                return "\(name)=\(server.port),\(server.program.process)\(authority)"
            })
        #expect(outcomes.all.count >= 200)
        for outcome in outcomes.all where outcome.failure != "" {
            Issue.record("\(outcome.case): \(outcome.failure)")
        }
    }
}
