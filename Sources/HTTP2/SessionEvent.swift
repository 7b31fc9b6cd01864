/// What the library told us while it read or wrote; acted upon after it has returned.
struct SessionEvent {
    enum Kind {
        /// A request's header section is complete (server).
        case began
        /// A later header section is complete.
        case headers
        /// Body bytes or the peer's end arrived.
        case body
        /// The last queued byte was handed over.
        case drained
        /// Our side's end was handed over before the peer's arrived (server).
        case localEnd
        /// A header section of ours could not be sent.
        case notSent
        /// The stream is over.
        case closed
    }

    let kind: Kind
    let stream: HTTP2Stream
    var code = ErrorCode.noError
}
