import Glibc
import TestSupport
import Testing

/// The agent's way to a control plane that speaks TLS, and what it refuses.
@Suite struct EncryptedAgentTests {
    @Test("over TLS an agent registers and its database runs; another authority's server is left")
    func runs() throws {
        let folder = try Folder()
        let certificate = try EncryptionTests.makeCertificate("berthd", in: folder)
        // The server's own file changes below; what was trusted at first does not.
        let authority = folder.file("authority.pem")
        try Command.run(["cp", certificate[1], authority])
        // One loop, so that all of it has the new certificate at once.
        let harbour = try Harbour(arguments: certificate + ["--loops", "1"]) {
            $0.authority = authority
        }
        let database = try harbour.createRunning()
        #expect(try harbour.query("SELECT 1", database) == "1")
        #expect(harbour.agent.log.contains("https://\(harbour.server.address)"))

        // Started anew it needs no flag: it keeps whom it trusts.
        try harbour.agent.end(SIGTERM)
        try harbour.agent.start()
        #expect(try harbour.outcome(of: try harbour.redeploy(database)) == "RUNNING")

        // Somebody else answers under the control plane's address.
        let other = try EncryptionTests.makeCertificate("other", in: folder)
        try harbour.agent.end(SIGTERM)
        for (from, to) in zip(other, certificate) where from.hasPrefix("/") {
            try Command.run(["mv", from, to])
        }
        harbour.server.process.signal(SIGHUP)
        try eventually("the new certificate") {
            try harbour.server.log.contains("certificate read again")
                && EncryptionTests.check(harbour.server, trusting: certificate[1]).exitCode == 0
        }
        try harbour.agent.start()
        try eventually("the agent's complaint") {
            harbour.agent.log.contains("self-signed certificate")
        }
        #expect(harbour.agent.log.contains(harbour.server.address))
        #expect(!harbour.agent.log.contains("connected"))
        // Until its operator says that this is right.
        try harbour.agent.end(SIGTERM)
        try harbour.agent.start(["--tls-ca", certificate[1]])
        try eventually("the agent's connection") { harbour.agent.log.contains("connected") }
        #expect(try harbour.server.stop() == 0)
    }

    @Test("a server that cannot be believed is not registered with, and the token stays good")
    func refusedServers() throws {
        let (folder, installation) = (try Folder(), try Installation())
        let certificate = try EncryptionTests.makeCertificate("berthd", in: folder)
        let other = try EncryptionTests.makeCertificate("other", in: folder)
        var options = installation.options
        options.arguments = certificate
        let server = try Berthd(options)
        // Another address of loopback than those of the certificate.
        options.address = "127.0.0.2:0"
        let elsewhere = try Berthd(options)
        let plain = try Berthd(installation.options)
        let token = installation.bootstrap["agent_registration_token"].string
        func register(_ url: String, _ arguments: [String]) throws -> ChildProcess.Finished {
            try AgentProcess.register(
                at: url, token: token, stateFolder: folder.file("state"), arguments)
        }
        let cases: [(url: String, arguments: [String], words: [String])] = [
            (
                "https://\(server.address)", ["--tls-ca", other[1]],
                [server.address, "certificate verify failed", "self-signed certificate"]
            ),
            // Whom the machine trusts knows nothing of it either.
            ("https://\(server.address)", [], [server.address, "self-signed certificate"]),
            (
                "https://\(elsewhere.address)", ["--tls-ca", certificate[1]],
                [elsewhere.address, "IP address mismatch"]
            ),
            (
                "https://\(plain.address)", ["--tls-ca", certificate[1]],
                [plain.address, "wrong version number"]
            ),
            ("http://\(server.address)", [], [server.address]),
            (
                "https://\(server.address)", ["--tls-ca", folder.file("none.pem")],
                ["--tls-ca", "none.pem", "No such file"]
            ),
            (
                "https://\(server.address)", ["--tls-ca", installation.options.keyFile],
                ["--tls-ca", "certificate"]
            ),
        ]
        for (url, arguments, words) in cases {
            let refused = try register(url, arguments)
            #expect(refused.exitCode != 0, "\(url) \(arguments)")
            for word in words {
                #expect(refused.standardError.contains(word), "\(url): \(refused.standardError)")
            }
            #expect(!refused.standardError.contains(token))
        }
        let registered = try register("https://\(server.address)", ["--tls-ca", certificate[1]])
        #expect(registered.exitCode == 0, "\(registered.standardError)")
        for server in [server, elsewhere, plain] { #expect(try server.stop() == 0) }
    }

    @Test(
        "without TLS only this machine is spoken to",
        arguments: ["192.0.2.1:7070", "berth.example", "[2001:db8::1]:7070", "0.0.0.0:7070"])
    func plaintext(_ address: String) throws {
        let folder = try Folder()
        let refused = try AgentProcess.register(
            at: "http://\(address)", token: "berth_reg_x", stateFolder: folder.file("state"))
        #expect(refused.exitCode != 0)
        #expect(refused.standardError.contains("http://\(address)"), "\(refused.standardError)")
        #expect(refused.standardError.contains("use https://"), "\(refused.standardError)")
        #expect(try ChildProcess.run(["/usr/bin/ls", folder.path]).standardOutput.isEmpty)
    }

    @Test("a server that asks for clients' certificates says so to an agent, which has none")
    func clientCertificates() throws {
        let (folder, installation) = (try Folder(), try Installation())
        let certificate = try EncryptionTests.makeCertificate("berthd", in: folder)
        let clients = try EncryptionTests.makeCertificate("clients", in: folder)
        var options = installation.options
        options.arguments = certificate + ["--tls-client-ca", clients[1]]
        let strict = try Berthd(options)
        options.arguments += ["--tls-client-auth", "optional"]
        let lenient = try Berthd(options)
        let token = installation.bootstrap["agent_registration_token"].string
        func register(_ server: Berthd) throws -> ChildProcess.Finished {
            try AgentProcess.register(
                at: "https://\(server.address)", token: token,
                stateFolder: folder.file("state"), ["--tls-ca", certificate[1]])
        }
        let refused = try register(strict)
        #expect(refused.exitCode != 0)
        #expect(refused.standardError.contains("certificate required"), "\(refused.standardError)")
        let registered = try register(lenient)
        #expect(registered.exitCode == 0, "\(registered.standardError)")
        for server in [strict, lenient] { #expect(try server.stop() == 0) }
    }
}
