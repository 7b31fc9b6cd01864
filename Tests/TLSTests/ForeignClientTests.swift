import EventLoops
import Glibc
import RPC
import TestSupport
import Testing

@testable import TLS

/// Programs that know nothing of Swift; `scripts/test` says where they are.
private func program(_ variable: String) throws -> String {
    let value = getenv(variable).map { String(cString: $0) }
    return try #require(value, "\(variable) is not set: run scripts/test")
}

@Suite struct ForeignClientTests {
    @Test("grpcurl calls over TLS when it trusts the authority, and not otherwise")
    func grpcurl() async throws {
        let grpcurl = try program("BERTH_TEST_GRPCURL")
        let (authority, other) = (try TestAuthority(), try TestAuthority("another authority"))
        let credentials = try authority.issue().credentials()
        // It needs no reflection when it has the message's definition.
        let proto = "-import-path \(authority.folder) -proto health.proto"
        try Command.run([
            "sh", "-c", "cat > \(authority.folder)/health.proto <<'E'\n\(healthProto)\nE",
        ])
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let call = "localhost:\(server.port) grpc.health.v1.Health/Check 2>&1"
            let output = try await shell("\(grpcurl) -cacert \(authority.path) \(proto) \(call)")
            #expect(output.contains("SERVING"), "\(output)")
            let refused = try await shell(
                "\(grpcurl) -cacert \(other.path) -max-time 60 \(proto) \(call) || true")
            #expect(refused.contains("certificate"), "\(refused)")
            await server.server.drain(grace: .zero)
        }
    }

    @Test("grpcio calls over TLS with a client's certificate, with small and with large messages")
    func grpcio() async throws {
        let python = try program("BERTH_TEST_PYTHON")
        let authority = try TestAuthority()
        let agent = try authority.issue("agent")
        let credentials = try authority.issue().credentials(.required(of: try authority.text()))
        let script = """
            import sys, grpc
            port, ca, certificate, key = sys.argv[1:]
            read = lambda path: open(path, "rb").read()
            target, big = f"localhost:{port}", [("grpc.max_receive_message_length", -1)]
            with grpc.secure_channel(target, grpc.ssl_channel_credentials(
                    read(ca), read(key), read(certificate)), big) as channel:
                check = channel.unary_unary("/grpc.health.v1.Health/Check")
                assert check(b"", timeout=60) == b"\\x08\\x01"
                echo = channel.unary_unary("/berth.test.Echo/Echo")
                text = bytes(97 + i % 26 for i in range(3_000_000))
                message = b"\\x0a\\xc0\\x8d\\xb7\\x01" + text
                futures = [echo.future(message, timeout=60) for _ in range(8)]
                assert all(future.result() == message for future in futures)
            with grpc.secure_channel(target, grpc.ssl_channel_credentials(read(ca))) as channel:
                try:
                    channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=60)
                    assert False, "served without a certificate"
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            print("all good")
            """
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let arguments = "\(server.port) \(authority.path) \(agent.certificate) \(agent.key)"
            let output = try await shell("\(python) - \(arguments) 2>&1 <<'E'\n\(script)\nE")
            #expect(output.contains("all good"), "\(output)")
            await server.server.drain(grace: .zero)
        }
    }

    @Test("h2load: many connections handshake at once, and every call is answered")
    func h2load() async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try Command.run(["sh", "-c", "printf '\\0\\0\\0\\0\\0' > \(authority.folder)/empty"])
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let output = try await shell(
                "h2load -n 5000 -c 100 -m 20 -d \(authority.folder)/empty "
                    + "-H 'content-type: application/grpc' -H 'te: trailers' "
                    + "https://localhost:\(server.port)/grpc.health.v1.Health/Check 2>&1")
            #expect(output.contains("5000 succeeded, 0 failed, 0 errored"), "\(output)")
            #expect(server.acceptor.handshakes.completed >= 100)
            await server.server.drain(grace: .zero)
        }
    }

    @Test("curl speaks HTTP/2 with a verified server, and cannot fall back to HTTP/1.1")
    func curl() async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let call =
                "--silent --show-error --cacert \(authority.path) --request POST "
                + "--header 'content-type: application/grpc' --header 'te: trailers' "
                + "https://localhost:\(server.port)/grpc.health.v1.Health/Nothing 2>&1"
            let output = try await shell("curl --http2 --include \(call)")
            #expect(output.contains("HTTP/2 200"), "\(output)")
            #expect(output.contains("grpc-status: 12"), "\(output)")
            let refused = try await shell("curl --http1.1 \(call) || true")
            #expect(refused.contains("alert"), "\(refused)")
            await server.server.drain(grace: .zero)
        }
    }
}

private let healthProto = """
    syntax = "proto3";
    package grpc.health.v1;
    message HealthCheckRequest { string service = 1; }
    enum Status { UNKNOWN = 0; SERVING = 1; }
    message HealthCheckResponse { Status status = 1; }
    service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
    """
