import TestSupport
import Testing

/// Registering, and doing it again.
@Suite struct RegistrationTests {
    private func token(of harbour: Harbour) throws -> String {
        try harbour.call(
            "ServerService/CreateRegistrationToken",
            ["serverId": .string(harbour.installation.serverID)])["registrationToken"].string
    }

    private func register(
        _ harbour: Harbour, _ token: String, in folder: String
    ) throws -> ChildProcess.Finished {
        try AgentProcess.register(
            at: "http://\(harbour.server.address)", token: token, stateFolder: folder)
    }

    @Test(
        "registered again under an agent that works: it goes on with the new credential, and works")
    func again() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let before = try harbour.agent.stateFiles()
        let folder = harbour.agent.stateFolder
        let registered = try register(harbour, try token(of: harbour), in: folder)
        #expect(registered.exitCode == 0, "\(registered.standardError)")
        #expect(try harbour.agent.stateFiles()["agent.state"] != before["agent.state"])
        try eventually("the new registration: \(harbour.agent.log)") {
            harbour.agent.log.contains("going on with that registration")
        }
        // A job is signed for the new stream, and its report by the new key.
        #expect(try harbour.outcome(of: try harbour.redeploy(database)) == "RUNNING")
        #expect(try harbour.query("SELECT answer FROM kept", database) == "42")
        #expect(try harbour.server.stop() == 0)
    }

    @Test("a token that was used names the option that it came by, and leaves the folder as it is")
    func usedToken() throws {
        let harbour = try Harbour()
        let folder = try Folder()
        let used = try token(of: harbour)
        #expect(try register(harbour, used, in: folder.file("first")).exitCode == 0)
        let again = try register(harbour, used, in: folder.file("second"))
        #expect(again.exitCode != 0)
        #expect(
            again.standardError.contains(
                "--token-file -: the registration token is unknown, used or expired"),
            "\(again.standardError)")
        #expect(!again.standardError.contains(used))
        #expect(try harbour.server.stop() == 0)
    }
}
