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
    /// Nothing of the stream was processed: safe to try again.
    public static let refusedStream = ErrorCode(rawValue: 7)
    /// The stream is no longer wanted.
    public static let cancel = ErrorCode(rawValue: 8)
    /// The peer's behaviour costs too much.
    public static let enhanceYourCalm = ErrorCode(rawValue: 11)
}
