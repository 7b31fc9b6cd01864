import EventLoops
import HTTP2

/// One sending of a call: its stream, and what the server's frames on it mean.
final class CallAttempt: StreamObserver {
    /// How an attempt ended.
    enum End {
        /// The server looked at none of it.
        case refused
        /// The connection broke; nobody knows how far the server came.
        case lost(RPCStatus)
        /// The response is whole, or never will be; nil is OK. `hasHead`: whether it had begun.
        case answered(RPCStatus?, hasHead: Bool)
    }

    let stream: HTTP2Stream
    let connection: ClientConnection
    /// Whether the response has begun with a header section that is not its end.
    private(set) var hasHead = false
    private(set) weak var call: ClientCall?
    private var isOver = false

    /// Begins the call's stream.
    /// - Throws: `HTTP2Error`; the connection takes no more calls then.
    init(
        of call: ClientCall, on connection: ClientConnection, headers: HeaderBlock
    ) throws(HTTP2Error) {
        self.call = call
        self.connection = connection
        stream = try connection.begin(headers)
        stream.observer = self
    }

    /// Ends the attempt: nobody is told of what still comes.
    func cancel(_ code: ErrorCode) {
        isOver = true
        stream.reset(code)
    }

    // MARK: What the stream tells

    func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) { look() }

    func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {
        guard !isOver else { return stream.discardReceived() }
        look()
    }

    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) { call?.writesDrained() }

    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
        if !isOver { closed(code) }
        connection.streamEnded()
    }

    /// Judges what has come so far.
    private func look() {
        guard !isOver else { return }
        if stream.isHeaderListTooLarge { return endTooLarge() }
        if !hasHead, !stream.headers.fields.isEmpty {
            guard !isTrailersOnly else {
                return conclude(ResponseRules.status(in: stream.headers, isOnly: true))
            }
            if let failure = ResponseRules.failure(ofHead: stream.headers) {
                // What follows is a page or the like.
                return conclude(failure)
            }
            hasHead = true
            call?.responseBegan(stream.headers)
        }
        if stream.isRemoteEnded {
            let last = stream.trailers ?? stream.headers
            conclude(ResponseRules.status(in: last, isOnly: false))
        } else {
            call?.bytesArrived()
        }
    }

    private var isTrailersOnly: Bool {
        stream.isRemoteEnded && stream.trailers == nil && stream.received.isEmpty
    }

    private func endTooLarge() {
        conclude(
            RPCStatus(.resourceExhausted, "the response's metadata exceeds headerListBytesMax"))
    }

    private func conclude(_ status: RPCStatus?) {
        // The server has its answer out and shall not wait for the rest of the requests.
        if !stream.isRemoteEnded {
            cancel(.cancel)
        } else if !stream.isLocalEndSent {
            cancel(.noError)
        }
        end(.answered(status, hasHead: hasHead))
    }

    private func closed(_ code: ErrorCode) {
        if stream.isHeaderListTooLarge { return endTooLarge() }
        if stream.isRemoteEnded { return look() }
        if stream.isCutOff {
            let text = "the connection to \(connection.address) was lost: \(connection.cause)"
            end(.lost(RPCStatus(.unavailable, text)))
        } else if code == .refusedStream, !hasHead {
            end(.refused)
        } else {
            end(.answered(ResponseRules.status(ofReset: code), hasHead: hasHead))
        }
    }

    private func end(_ end: End) {
        isOver = true
        call?.attemptEnded(self, end)
    }
}
