import TestSupport
import Testing

/// One at a time, since each takes both processors.
@Suite(.serialized) struct DrainTests {
    @Test(
        "SIGTERM under load: a thousand calls in flight finish, health says so, none is lost",
        arguments: [(tls: false, loops: 1), (tls: true, loops: 1), (tls: true, loops: 2)])
    func thousandCalls(tls: Bool, loops: Int) throws {
        let server = try InteropServer(tls: tls, ["--loops", "\(loops)"])
        let outcomes = try Outcomes.of(
            script: "drain_under_load.py",
            [
                GeneratedPython.folder.get().path, "\(server.port)",
                "\(server.program.process)",
            ] + (server.authority.map { [$0] } ?? []))
        #expect(outcomes.all.map(\.failure) == [""])
        #expect(server.program.exitCode() == 0)
    }
}
