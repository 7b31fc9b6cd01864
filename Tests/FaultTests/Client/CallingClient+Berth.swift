import BerthMessages
import Messages
import RPC
import StandardMessages

extension CallingClient {
    /// Begins a unary call of a known method.
    func begin<Request: Message, Response: Message>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, token: String? = nil,
        timeout: Duration? = nil
    ) throws -> OutgoingCall {
        try begin(
            method.path, body: CallingClient.framed(Wire.encode(request)), token: token,
            timeout: timeout)
    }

    /// Whether Berth says that it serves; nil when it gave no answer.
    func isServing() async throws -> Bool? {
        let answer = try await begin(
            GRPCHealthV1.HealthMethods.check, GRPCHealthV1.HealthCheckRequest()
        ).end()
        guard answer.code == .ok else { return nil }
        return try answer.message(GRPCHealthV1.HealthCheckResponse.self).status == .serving
    }

    /// A message with its prefix.
    static func framed(_ message: [UInt8]) -> [UInt8] {
        let count = UInt32(message.count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + message
    }
}

extension Answer {
    /// The one message of an OK answer.
    func message<Response: Message>(_ type: Response.Type) throws -> Response {
        try Wire.decode(type, from: Array(body.dropFirst(5)))
    }
}
