import Foundation
import Glibc
import TestSupport
import Testing

/// What a collector reads.
@Suite struct MetricsTests {
    private static func scrape(_ address: String) throws -> String {
        let finished = try ChildProcess.run([
            "/usr/bin/curl", "--silent", "--fail", "--max-time", "60", "http://\(address)/metrics",
        ])
        guard finished.exitCode == 0 else {
            throw ChildProcess.Failed(description: "curl: \(finished.exitCode)")
        }
        return finished.standardOutput
    }

    /// Where a server's metrics are, by its log.
    private static func address(of server: Berthd) throws -> String {
        let start = try #require(server.log.range(of: "metrics="))
        let rest = server.log[start.upperBound...]
        let address = try #require(rest.split(whereSeparator: \.isWhitespace).first)
        return String(address)
    }

    @Test("TLS handshakes are counted by how they ended")
    func handshakes() throws {
        let folder = try Folder()
        var options = try Installation().options
        let certificate = try EncryptionTests.makeCertificate("metrics", in: folder)
        let other = try EncryptionTests.makeCertificate("other", in: folder)
        options.arguments = certificate + ["--metrics-listen", "127.0.0.1:0"]
        let server = try Berthd(options)
        let checked = try EncryptionTests.check(server, trusting: certificate[1])
        #expect(checked.standardOutput.contains("SERVING"), "\(checked.standardError)")
        #expect(try EncryptionTests.check(server, trusting: other[1]).exitCode != 0)
        let address = try Self.address(of: server)
        // A client that trusts another authority says so after its half of the handshake.
        for result in ["full", "failed"] {
            try eventually("a handshake that is \(result)") {
                let text = try Self.scrape(address)
                let name = #"berth_tls_handshakes_total{result="\#(result)"}"#
                return text.contains("\n\(name) ") && !text.contains("\n\(name) 0\n")
            }
        }
        #expect(try server.stop() == 0)
    }

    @Test("calls are counted by method and status over all loops, and so are times and the pool")
    func counts() throws {
        let installation = try Installation()
        var options = installation.options
        options.arguments = ["--metrics-listen", "127.0.0.1:0", "--loops", "2"]
        let server = try Berthd(options)
        let address = try Self.address(of: server)
        var checks = 0
        var served = 0
        // Each loop says that it serves once it has asked PostgreSQL.
        try eventually("five times SERVING") {
            checks += 1
            if try HealthTests.check("", on: server) == ["status": "SERVING"] { served += 1 }
            return served == 5
        }
        let refused = try Client.grpcurl.call(
            "ServiceService/GetService", ["serviceId": "x"], token: installation.ownerToken,
            on: server)
        #expect(refused.code == "INVALID_ARGUMENT")
        // No method, so no call.
        let unknown = try ChildProcess.run([
            "/usr/bin/curl", "--silent", "--http2-prior-knowledge", "--max-time", "60",
            "--request", "POST", "http://\(server.address)/no.Such/Method",
        ])
        #expect(unknown.exitCode == 0)
        // One stream that stays open meanwhile, on a connection of its own.
        let watch = try ChildProcess([
            Programs.grpcurl, "-plaintext", server.address, "grpc.health.v1.Health/Watch",
        ])
        defer { watch.signal(SIGKILL) }
        try eventually("the watch to begin") { watch.standardOutput.contains("SERVING") }
        var text = ""
        try eventually("the other connections to be over, and the lag to be measured once") {
            text = try Self.scrape(address)
            return text.contains("\nhttp2_server_connections_open 1\n")
                && !text.contains("\nberth_loop_lag_seconds_count 0\n")
        }
        let lines = Set(text.split(separator: "\n").map(String.init))
        for line in [
            #"grpc_server_handled_total{grpc_service="grpc.health.v1.Health",grpc_method="Check",grpc_code="OK"} \#(checks)"#,
            #"grpc_server_handled_total{grpc_service="berth.controlplane.v1.ServiceService",grpc_method="GetService",grpc_code="INVALID_ARGUMENT"} 1"#,
            #"grpc_server_handling_seconds_count{grpc_service="grpc.health.v1.Health",grpc_method="Check"} \#(checks)"#,
            "# TYPE berth_loop_lag_seconds histogram", "berth_postgres_waiting 0",
            "grpc_server_refused_total 1", "berth_postgres_refusals_total 0",
            "berth_postgres_unknown_outcomes_total 0",
        ] {
            #expect(lines.contains(line), "\(line) in:\n\(text)")
        }
        func number(_ name: String) -> Int? {
            lines.first { $0.hasPrefix("\(name) ") }?.split(separator: " ").last.flatMap { Int($0) }
        }
        // grpcurl's question for reflection may still be open beside the watch.
        #expect((1...2).contains(try #require(number("grpc_server_handlers_running"))))
        #expect((1...2).contains(try #require(number("http2_server_streams_open"))))
        #expect(try #require(number("http2_server_connections_total")) >= 8)
        #expect(try #require(number("berth_loop_lag_seconds_count")) > 0)
        #expect(try #require(number("berth_postgres_connects_total")) > 0)
        #expect(try server.stop() == 0)
    }
}
