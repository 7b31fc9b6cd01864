import Testing

/// The cases of `interop_client.py`: those that gRPC publishes, and what grpcio hides.
enum InteropCase: String, CaseIterable, Sendable {
    case empty_unary, large_unary, client_streaming, server_streaming, ping_pong, half_duplex
    case empty_stream, client_compressed_unary, client_compressed_streaming
    case client_compressed_streaming_message_by_message, server_compressed_unary
    case server_compressed_unary_flags, server_compressed_streaming
    case server_compressed_streaming_flags, never_compressed_for_a_client_that_takes_none
    case cacheable_unary, custom_metadata, status_code_and_message, special_status_message
    case unimplemented_method, unimplemented_service, cancel_after_begin
    case cancel_after_first_response, timeout_on_sleeping_server, rpc_soak, channel_soak
}

@Suite struct InteropTests {
    @Test("grpcio, in the clear", arguments: InteropCase.allCases)
    func plain(_ name: InteropCase) throws {
        let failure = try InteropTests.plain.get().failure(of: name.rawValue)
        #expect(failure == "")
    }

    @Test("grpcio, with TLS", arguments: InteropCase.allCases)
    func encrypted(_ name: InteropCase) throws {
        let failure = try InteropTests.encrypted.get().failure(of: name.rawValue)
        #expect(failure == "")
    }

    private static let plain = Result { try outcomes(tls: false) }
    private static let encrypted = Result { try outcomes(tls: true) }

    private static func outcomes(tls: Bool) throws -> Outcomes {
        let server = try InteropServer.shared(tls: tls)
        return try Outcomes.of(
            script: "interop_client.py",
            [GeneratedPython.folder.get().path, "\(server.port)"]
                + (server.authority.map { [$0] } ?? []))
    }
}
