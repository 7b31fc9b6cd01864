import CNghttp2

/// A failed call into libnghttp2.
public struct HTTP2Error: Error, Equatable, CustomStringConvertible {
    /// The C function that failed, as nghttp2 names it.
    public let function: String
    /// The negative `nghttp2_error` it returned.
    public let code: Int32

    /// Whether the peer did not begin with HTTP/2's connection preface.
    public var isBadPreface: Bool { code == NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue }
    /// Whether the peer made us queue more answers than ``ConnectionLimits/queuedAcksMax``, or sent
    /// more frames of a header section than ``ConnectionLimits/continuationsMax``.
    public var isFlooded: Bool {
        code == NGHTTP2_ERR_FLOODED.rawValue
            || code == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue
    }

    /// The function and nghttp2's text for the code.
    public var description: String {
        // Safe: nghttp2_strerror returns a static string for every code.
        let text = unsafe nghttp2_strerror(code).map { unsafe String(cString: $0) }
        return "\(function): \(text ?? "error \(code)")"
    }
}
