import Foundation
import TestSupport
import Testing

/// What a collector reads.
@Suite struct MetricsTests {
    private static func scrape(_ address: String) throws -> String {
        let finished = try ChildProcess.run([
            "/usr/bin/curl", "--silent", "--fail", "--max-time", "5", "http://\(address)/metrics",
        ])
        guard finished.exitCode == 0 else {
            throw ChildProcess.Failed(description: "curl: \(finished.exitCode)")
        }
        return finished.standardOutput
    }

    @Test("calls are counted by method and status over all loops, and so are times and the pool")
    func counts() throws {
        let installation = try Installation()
        var options = installation.options
        options.arguments = ["--metrics-listen", "127.0.0.1:0", "--loops", "2"]
        let server = try Berthd(options)
        let start = try #require(server.log.range(of: "metrics="))
        let address = String(
            try #require(server.log[start.upperBound...].split(separator: " ").first)
        )
        .trimmingCharacters(in: .whitespacesAndNewlines)
        for _ in 0..<5 {
            #expect(try HealthTests.check("", on: server) == ["status": "SERVING"])
        }
        let refused = try Client.grpcurl.call(
            "ServiceService/GetService", ["serviceId": "x"], token: installation.ownerToken,
            on: server)
        #expect(refused.code == "INVALID_ARGUMENT")
        let text = try Self.scrape(address)
        let lines = Set(text.split(separator: "\n").map(String.init))
        for line in [
            #"grpc_server_handled_total{grpc_service="grpc.health.v1.Health",grpc_method="Check",grpc_code="OK"} 5"#,
            #"grpc_server_handled_total{grpc_service="berth.controlplane.v1.ServiceService",grpc_method="GetService",grpc_code="INVALID_ARGUMENT"} 1"#,
            #"grpc_server_handling_seconds_count{grpc_service="grpc.health.v1.Health",grpc_method="Check"} 5"#,
            "# TYPE berth_loop_lag_seconds histogram", "berth_postgres_waiting 0",
        ] {
            #expect(lines.contains(line), "\(line) in:\n\(text)")
        }
        #expect(try server.stop() == 0)
    }
}
