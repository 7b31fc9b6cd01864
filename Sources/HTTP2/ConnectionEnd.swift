/// Why a connection is over.
public enum ConnectionFailure: Error, CustomStringConvertible {
    /// The peer ended the connection.
    case endedByPeer
    /// The byte stream broke: a `SystemError`, or the error of what lies over the socket.
    case broken(any Error)
    /// The peer took longer to its SETTINGS than ``ConnectionLimits/prefaceTimeMax``.
    case slowPreface(Duration)
    /// The peer took no bytes for ``ConnectionLimits/writeStallTimeMax``.
    case stalled(Duration)
    /// The peer gave no sign of life for so long after it was asked for one.
    case silent(Duration)
    /// nghttp2 cannot go on.
    case unusable(HTTP2Error)
    /// The peer broke HTTP/2.
    case misspoken
    /// We ended it, for this reason.
    case ended(StaticString)
    /// We closed it.
    case abandoned

    /// The cause in one line, fit for a caller.
    public var description: String {
        switch self {
        case .endedByPeer: "the peer ended the connection"
        case .broken(let error): "\(error)"
        case .slowPreface(let limit): "no HTTP/2 SETTINGS within \(limit)"
        case .stalled(let limit): "the peer took no bytes for \(limit)"
        case .silent(let limit): "no answer to a keepalive PING within \(limit)"
        case .unusable(let error): error.description
        case .misspoken: "the peer does not speak HTTP/2, or breaks its rules"
        case .ended(let reason): reason.utf8CodeUnitCount == 0 ? "ended here" : "\(reason)"
        case .abandoned: "closed here"
        }
    }
}

/// The last words of a peer that goes away (RFC 9113 §6.8).
public struct GoAway: Sendable {
    /// The highest stream that the peer will have looked at; those above were not processed.
    public let lastStreamID: Int32
    /// Why it goes.
    public let code: ErrorCode
    /// What it says beside, at most ``debugBytesMax`` bytes of it.
    public let debugText: String

    /// How much of the debug data is kept.
    public static let debugBytesMax = 128
}
