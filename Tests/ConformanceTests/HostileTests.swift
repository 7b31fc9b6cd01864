import TestSupport
import Testing

@Suite struct HostileTests {
    @Test("every hostile case ends in the right error, within bounds, and harms nobody else")
    func hostile() throws {
        let server = try InteropServer()
        let brisk = try InteropServer(["--brisk"])
        let outcomes = try Outcomes.of(
            script: "hostile.py",
            [server, brisk].flatMap { ["\($0.port)", "\($0.program.process)"] })
        #expect(outcomes.all.count >= 150)
        for outcome in outcomes.all where outcome.failure != "" {
            Issue.record("\(outcome.case): \(outcome.failure)")
        }
    }
}
