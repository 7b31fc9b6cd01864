/// How a call ended, other than with OK: what a handler throws and a client reads.
public struct RPCStatus: Error, Sendable, Equatable {
    /// The code; never ``StatusCode/ok`` in a thrown status (a server answers UNKNOWN if it is).
    public var code: StatusCode
    /// Text for the caller's developer. Sent percent-encoded and cut at
    /// ``ServerLimits/statusMessageBytesMax``; it must hold no secret.
    public var message: String
    /// A serialized `google.rpc.Status`, sent as `grpc-status-details-bin`; empty when there is
    /// none. Dropped when it does not fit ``ServerLimits/statusDetailsBytesMax``.
    public var details: [UInt8]

    /// Makes a status.
    /// - Parameter details: A serialized `google.rpc.Status`, or nothing.
    public init(_ code: StatusCode, _ message: String, details: [UInt8] = []) {
        self.code = code
        self.message = message
        self.details = details
    }
}

extension RPCStatus {
    /// A connection holds as much of its requests as it may.
    static let receiveBufferFull = RPCStatus(
        .resourceExhausted, "receivedBytesPerConnectionMax reached")
}

extension RPCStatus: CustomStringConvertible {
    /// The code's name and the message; never the details.
    public var description: String { "\(code.name): \(message)" }
}
