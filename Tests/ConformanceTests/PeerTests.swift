import Testing

/// The cases of the foreign clients in C++ and Go.
enum PeerCase: String, CaseIterable, Sendable {
    case empty_unary, large_unary, client_streaming, server_streaming, ping_pong, half_duplex
    case empty_stream, client_compressed_unary, client_compressed_streaming
    case server_compressed_unary, server_compressed_streaming, cacheable_unary, custom_metadata
    case status_code_and_message, special_status_message, unimplemented_method
    case unimplemented_service, cancel_after_begin, cancel_after_first_response
    case timeout_on_sleeping_server, rpc_soak, channel_soak
}

@Suite struct PeerTests {
    @Test("gRPC C++, in the clear", arguments: PeerCase.allCases)
    func cppPlain(_ name: PeerCase) throws {
        #expect(try PeerTests.cppPlain.get().failure(of: name.rawValue) == "")
    }

    @Test("gRPC C++, with TLS", arguments: PeerCase.allCases)
    func cppEncrypted(_ name: PeerCase) throws {
        #expect(try PeerTests.cppEncrypted.get().failure(of: name.rawValue) == "")
    }

    @Test("grpc-go, in the clear", arguments: PeerCase.allCases)
    func goPlain(_ name: PeerCase) throws {
        #expect(try PeerTests.goPlain.get().failure(of: name.rawValue) == "")
    }

    @Test("grpc-go, with TLS", arguments: PeerCase.allCases)
    func goEncrypted(_ name: PeerCase) throws {
        #expect(try PeerTests.goEncrypted.get().failure(of: name.rawValue) == "")
    }

    private static let cppPlain = Result { try outcomes("interop_client_cpp", tls: false) }
    private static let cppEncrypted = Result { try outcomes("interop_client_cpp", tls: true) }
    private static let goPlain = Result { try outcomes("interop_client_go", tls: false) }
    private static let goEncrypted = Result { try outcomes("interop_client_go", tls: true) }

    private static func outcomes(_ program: String, tls: Bool) throws -> Outcomes {
        let server = try InteropServer.shared(tls: tls)
        return try Outcomes.of(
            ["\(Programs.peers)/\(program)", "\(server.port)"]
                + (server.authority.map { [$0] } ?? []))
    }
}
