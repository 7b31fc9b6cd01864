import Testing

/// Foreign gRPC clients; each knows the API only by reflection or by our protos.
enum Client: CaseIterable, Sendable, CustomTestStringConvertible {
    /// grpcurl (grpc-go), by reflection v1alpha.
    case grpcurl
    /// `buf curl` (connect-go), by reflection v1.
    case bufByReflection
    /// `buf curl`, by the protos of this repository.
    case bufBySchema
    /// grpcio (the C core under Python), by code that grpcio-tools generates from our protos.
    case grpcio

    var testDescription: String {
        switch self {
        case .grpcurl: "grpcurl"
        case .bufByReflection: "buf curl by reflection"
        case .bufBySchema: "buf curl by schema"
        case .grpcio: "grpcio"
        }
    }

    /// Calls a unary method.
    ///
    /// - Parameters:
    ///   - method: `Service/Method` of the package berth.controlplane.v1.
    ///   - request: In protobuf's JSON mapping.
    ///   - token: Sent as `authorization: Bearer TOKEN`; nil sends no such metadata.
    ///   - metadata: Sent too.
    func call(
        _ method: String, _ request: JSON, token: String?, metadata: [String: String] = [:],
        on server: Berthd
    ) throws -> Answer {
        var metadata = metadata
        if let token { metadata["authorization"] = "Bearer \(token)" }
        let name = "berth.controlplane.v1.\(method)"
        switch self {
        case .grpcurl: return try Grpcurl.call(name, request, metadata, server)
        case .bufByReflection: return try BufCurl.call(name, request, metadata, server, [])
        case .bufBySchema:
            return try BufCurl.call(
                name, request, metadata, server, ["--schema", Programs.repository])
        case .grpcio: return try GrpcioClient.of(server).call(name, request, metadata)
        }
    }
}
