import Foundation
import Glibc
import TestSupport
import Testing

/// `berthd serve` with TLS, and its refusal to listen to other machines without.
@Suite struct EncryptionTests {
    /// A certificate for localhost that is its own authority.
    static func makeCertificate(_ name: String, in folder: Folder) throws -> [String] {
        let (certificate, key) = (folder.file("\(name).pem"), folder.file("\(name).key"))
        try Command.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ])
        return ["--tls-cert", certificate, "--tls-key", key]
    }

    static func check(_ server: Berthd, trusting authority: String, _ more: [String] = []) throws
        -> ChildProcess.Finished
    {
        try ChildProcess.run(
            [try Programs.grpcurl, "-cacert", authority, "-max-time", "60"] + more
                + [server.address, "grpc.health.v1.Health/Check"])
    }

    @Test("SIGHUP shows the new certificate without a restart, and a call that runs goes on")
    func renews() throws {
        let folder = try Folder()
        var options = try Installation().options
        let (old, new) = (
            try Self.makeCertificate("old", in: folder), try Self.makeCertificate("new", in: folder)
        )
        options.arguments = old
        let server = try Berthd(options)
        let before = try Self.check(server, trusting: old[1])
        #expect(before.standardOutput.contains("SERVING"), "\(before.standardError)")
        let watch = try RunningProgram([
            try Programs.grpcurl, "-cacert", old[1], "-max-time", "600", server.address,
            "grpc.health.v1.Health/Watch",
        ])
        try eventually("the call's first answer") { watch.text.contains("SERVING") }
        let trusted = folder.file("trusted.pem")
        try Command.run(["cp", new[1], trusted])
        #expect(try Self.check(server, trusting: trusted).exitCode != 0)
        // A key that is not the certificate's: the old pair stays.
        try Command.run(["mv", new[3], old[3]])
        server.process.signal(SIGHUP)
        try eventually("the refusal") { server.log.contains("certificate not replaced") }
        try Command.run(["mv", new[1], old[1]])
        server.process.signal(SIGHUP)
        try eventually("the new certificate") { server.log.contains("certificate read again") }
        try eventually("the new certificate to be shown") {
            try Self.check(server, trusting: trusted).standardOutput.contains("SERVING")
        }
        // On the connection of before, which trusts the old certificate alone.
        #expect(watch.isRunning, "\(watch.text)")
        let told = watch.text
        #expect(try server.stop() == 0)
        try eventually("the call's last answer") {
            watch.text.dropFirst(told.count).contains("NOT_SERVING")
        }
    }

    @Test(
        "with an authority for clients, a client without a certificate is refused unless optional")
    func clientCertificates() throws {
        let folder = try Folder()
        var options = try Installation().options
        let own = try Self.makeCertificate("server", in: folder)
        let client = try Self.makeCertificate("client", in: folder)
        options.arguments = own + ["--tls-client-ca", client[1]]
        let server = try Berthd(options)
        let shown = try Self.check(
            server, trusting: own[1], ["-cert", client[1], "-key", client[3]])
        #expect(shown.standardOutput.contains("SERVING"), "\(shown.standardError)")
        #expect(try Self.check(server, trusting: own[1]).exitCode != 0)
        #expect(try server.stop() == 0)

        options.arguments += ["--tls-client-auth", "optional"]
        let lenient = try Berthd(options)
        #expect(try Self.check(lenient, trusting: own[1]).standardOutput.contains("SERVING"))
        #expect(try lenient.stop() == 0)
    }

    @Test("an address that other machines reach needs TLS or the flag for a proxy")
    func otherMachines() throws {
        let folder = try Folder()
        var options = try Installation().options
        options.address = "0.0.0.0:0"
        let refusal = try ServeTests.refusal(options)
        for flag in ["--tls-cert", "--tls-key", "--plaintext-behind-proxy"] {
            #expect(refusal.contains(flag), "\(refusal)")
        }
        options.arguments = ["--plaintext-behind-proxy"]
        #expect(try Berthd(options).stop() == 0)
        options.arguments = try Self.makeCertificate("server", in: folder)
        #expect(try Berthd(options).stop() == 0)
    }

    @Test("flags and files that do not fit together are refused by name")
    func misfits() throws {
        let folder = try Folder()
        var options = try Installation().options
        let one = try Self.makeCertificate("one", in: folder)
        let other = try Self.makeCertificate("other", in: folder)
        let cases: [([String], String)] = [
            (["--tls-cert", one[1]], "--tls-key"),
            (["--tls-client-ca", one[1]], "--tls-cert"),
            (one + ["--plaintext-behind-proxy"], "exclude"),
            (one + ["--tls-client-auth", "optional"], "--tls-client-ca"),
            (["--tls-cert", one[1], "--tls-key", other[3]], "does not belong"),
            (["--tls-cert", folder.file("none"), "--tls-key", one[3]], "No such file"),
        ]
        for (arguments, expected) in cases {
            options.arguments = arguments
            let refusal = try ServeTests.refusal(options)
            #expect(refusal.contains(expected), "\(arguments): \(refusal)")
        }
        try Command.run(["chmod", "644", one[3]])
        options.arguments = one
        #expect(try ServeTests.refusal(options).contains("chmod 600"))
    }
}
