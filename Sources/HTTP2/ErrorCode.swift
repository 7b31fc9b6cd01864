/// Why a stream was reset or a connection is going away (RFC 9113 §7).
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt32
    /// Makes a code from its number; unknown numbers are kept.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Graceful: nothing went wrong.
    public static let noError = ErrorCode(rawValue: 0)
    /// The peer broke the protocol in a way that has no code of its own.
    public static let protocolError = ErrorCode(rawValue: 1)
    /// Our own failure.
    public static let internalError = ErrorCode(rawValue: 2)
    /// The peer sent more than its window.
    public static let flowControlError = ErrorCode(rawValue: 3)
    /// A frame came for a stream that its sender had ended.
    public static let streamClosed = ErrorCode(rawValue: 5)
    /// Nothing of the stream was processed: safe to try again.
    public static let refusedStream = ErrorCode(rawValue: 7)
    /// The stream is no longer wanted.
    public static let cancel = ErrorCode(rawValue: 8)
    /// The peer's behaviour costs too much.
    public static let enhanceYourCalm = ErrorCode(rawValue: 11)
    /// The transport is too weak for HTTP/2.
    public static let inadequateSecurity = ErrorCode(rawValue: 12)

    /// The name in RFC 9113 §7, such as `CANCEL`.
    public var name: String {
        rawValue < ErrorCode.names.count ? ErrorCode.names[Int(rawValue)] : "error \(rawValue)"
    }

    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
        "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
        "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]
}
