import EventLoops
import RPC

/// How a call ended, as its caller saw it.
struct Answer: Sendable, CustomStringConvertible {
    /// Nil when the stream ended without a status: the connection broke, or the caller cancelled.
    let code: StatusCode?
    /// The text of `grpc-message`, still percent-encoded.
    let message: String
    /// The response's messages with their prefixes.
    let body: [UInt8]
    /// From the call's beginning to its end.
    let took: Duration

    var description: String { "\(code?.name ?? "no status") \(message)" }

    /// Whether the caller was told that nothing happened.
    var saysNothingWasWritten: Bool { message.contains("nothing was written") }
}
