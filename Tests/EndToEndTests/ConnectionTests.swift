import Foundation
import TestSupport
import Testing

/// `berthd` before clients that speak HTTP/2 but not gRPC, and the flags for connections.
@Suite struct ConnectionTests {
    private static func curl(_ server: Berthd, _ arguments: String...) throws -> String {
        try ChildProcess.run(
            [
                "/usr/bin/curl", "--silent", "--show-error", "--max-time", "60",
                "--http2-prior-knowledge",
            ] + arguments + ["http://\(server.address)/"]
        ).standardOutput
    }

    @Test("/ answers GET and POST with 200 and a short text, and HEAD without it")
    func page() throws {
        let server = try Stage.shared().server
        let status = "%{http_code} %{http_version} %{size_download}"
        for arguments in [[], ["--data", "a body"]] {
            let text = try ChildProcess.run(
                [
                    "/usr/bin/curl", "--silent", "--max-time", "60", "--http2-prior-knowledge",
                    "--write-out", status,
                ] + arguments + ["http://\(server.address)/"]
            ).standardOutput
            #expect(text.hasPrefix("Berth speaks gRPC here.\n200 2 "))
        }
        let head = try Self.curl(server, "--head")
        #expect(head.hasPrefix("HTTP/2 200"))
    }

    @Test("a connection that nobody uses for the time of --connection-idle-time-max is sent away")
    func idle() throws {
        var options = try Stage.shared().installation.options
        options.arguments += ["--connection-idle-time-max", "200ms"]
        let server = try Berthd(options)
        // Two requests on one connection, if it is still there for the second. On a busy machine the second
        // may come too early, or the end of the connection too late.
        try eventually("a second connection for the second request") {
            let text = try ChildProcess.run(
                [
                    "/usr/bin/curl", "--silent", "--max-time", "60", "--http2-prior-knowledge",
                    "--rate", "1/s", "--write-out", "connections %{num_connects}\n",
                    "http://\(server.address)/", "http://\(server.address)/",
                ]
            ).standardOutput
            return text.components(separatedBy: "connections 1").count == 3
        }
        #expect(try server.stop() == 0)
    }

    @Test(
        "a time that is none is refused by its flag's name",
        arguments: ["5", "5x", "-5s", "s", "0s", "1.5h", ""])
    func badTimes(_ text: String) throws {
        let finished = try Berthd.run(["serve", "--keepalive-time", text])
        #expect(finished.exitCode == 64)
        #expect(finished.standardError.contains("--keepalive-time"))
    }

    @Test("a limit of nothing is refused by its flag's name")
    func badLimits() throws {
        let installation = try Stage.shared().installation
        for flag in ["--connections-max", "--message-bytes-max", "--handlers-running-max"] {
            let finished = try Berthd.run(
                ["serve", flag, "0"], environment: installation.options.environment)
            #expect(finished.exitCode == 64)
            #expect(finished.standardError.contains(flag))
        }
    }
}
