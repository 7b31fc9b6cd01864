import EventLoops
import HTTP2

/// One call of a client over all its attempts: from its first request to its status.
///
/// Waits for a connection, sends what the caller writes, keeps it as long as it may have to be sent
/// again, and holds what the server said until the caller takes it.
final class ClientCall {
    let path: String
    let options: CallOptions
    let channel: Channel
    let deadline: Instant?

    /// What the server sent before its first response; nil before that.
    private(set) var initialMetadata: Metadata?
    /// What the server sent with the status; nil before that.
    private(set) var trailingMetadata: Metadata?
    /// Whether the responses' encoding is gzip.
    private(set) var acceptsCompressed = false
    private(set) var phase = Phase.waiting
    let canRead: LoopSignal
    let canWrite: LoopSignal

    /// Responses that came before the end and were not taken.
    var leftover = ByteQueue()
    private var requests = ReplayBuffer()
    private var attempts = 0
    private var retryPauses: Backoff
    private var deadlineTimer: LoopTimer?

    enum Phase {
        /// In the channel's queue, for a connection or for one of its streams.
        case waiting
        /// Until it goes back into the queue.
        case pausing(LoopTimer)
        /// Sent, or being sent.
        case open(CallAttempt)
        /// The status is there; nil is OK.
        case ended(RPCStatus?)
    }

    init(path: String, options: CallOptions, channel: Channel) {
        self.path = path
        self.options = options
        self.channel = channel
        deadline = options.timeout.map { Instant.now().advanced(by: $0) }
        canRead = LoopSignal(reactor: channel.reactor)
        canWrite = LoopSignal(reactor: channel.reactor)
        retryPauses = channel.limits.retryBackoff
    }

    /// Enters the channel's queue; a deadline that is over ends the call at once.
    func start() {
        channel.callBegan()
        if let deadline {
            guard deadline > .now() else { return deadlinePassed() }
            deadlineTimer = channel.reactor.schedule(at: deadline) { [weak self] in
                self?.deadlinePassed()
            }
        }
        let bytes = headers().listBytes
        guard bytes <= channel.limits.requestMetadataBytesMax else {
            let text = "the metadata has \(bytes) bytes; requestMetadataBytesMax is"
            return fail(
                RPCStatus(
                    .resourceExhausted, "\(text) \(channel.limits.requestMetadataBytesMax)"))
        }
        channel.enqueue(self)
    }

    private func headers() -> HeaderBlock {
        RequestHeaders.block(
            path: path, scheme: channel.scheme,
            authority: channel.authority, options: options,
            timeout: deadline.map { Instant.now().duration(to: $0) })
    }

    // MARK: Requests

    /// Whether the caller may write more now.
    var hasRoomToWrite: Bool {
        switch phase {
        case .open(let attempt): attempt.stream.hasRoomToWrite
        case .waiting, .pausing:
            requests.byteCount < channel.limits.connection.queuedBytesPerStreamMax
        case .ended: true
        }
    }

    /// Queues a framed message.
    /// - Throws: ``RPCStatus`` RESOURCE_EXHAUSTED when the connection's queue is full.
    func send(_ bytes: [UInt8]) throws(RPCStatus) {
        precondition(!requests.isFinished, "a request was written after the last")
        switch phase {
        case .open(let attempt):
            guard attempt.stream.canQueue(bytes.count) else {
                throw RPCStatus(
                    .resourceExhausted,
                    "the connection's send buffer holds queuedBytesPerConnectionHardMax")
            }
            requests.append(bytes)
            attempt.stream.write(bytes.span)
            dropRequestsIfMany()
        case .waiting, .pausing: requests.append(bytes)
        case .ended: break
        }
    }

    /// Bytes that the call holds: to be sent, to be sent again, to be read.
    var heldBytes: Int {
        let held = requests.byteCount + leftover.count
        guard case .open(let attempt) = phase else { return held }
        return held + attempt.stream.queuedBytes + attempt.stream.received.count
    }

    /// Says that no request follows.
    func endRequests() {
        guard !requests.isFinished else { return }
        requests.isFinished = true
        if case .open(let attempt) = phase { attempt.stream.finish(trailers: nil) }
    }

    /// Asks to be told when there is room.
    func awaitRoom() {
        if case .open(let attempt) = phase { attempt.stream.awaitDrain() }
    }

    private func dropRequestsIfMany() {
        if requests.byteCount > channel.limits.replayBytesMax { requests.drop() }
    }

    // MARK: Attempts

    /// Sends the call on a connection that has room.
    /// - Returns: False when the connection takes no calls after all.
    func open(on connection: ClientConnection) -> Bool {
        guard let attempt = try? CallAttempt(of: self, on: connection, headers: headers()) else {
            return false
        }
        attempts += 1
        phase = .open(attempt)
        for message in requests.messages { attempt.stream.write(message.span) }
        if requests.isFinished { attempt.stream.finish(trailers: nil) }
        dropRequestsIfMany()
        canWrite.raise()
        return true
    }

    func writesDrained() { canWrite.raise() }
    func bytesArrived() { canRead.raise() }

    /// The response has begun: from here on the call is not sent again.
    func responseBegan(_ head: HeaderBlock) {
        requests.drop()
        acceptsCompressed = head.isFirst(.grpcEncoding, "gzip")
        initialMetadata = Metadata(head)
        canRead.raise()
    }

    func attemptEnded(_ attempt: CallAttempt, _ end: CallAttempt.End) {
        guard case .open(let current) = phase, current === attempt else { return }
        switch end {
        case .refused:
            if mayBeSentAgain() { return sendAgain(after: attempts == 1 ? nil : nextPause()) }
            let text = "the server at \(attempt.connection.address) refused the call"
            finish(RPCStatus(.unavailable, text))
        case .lost(let status):
            if options.isRepeatable, mayBeSentAgain() { return sendAgain(after: nextPause()) }
            finish(status)
        case .answered(let status, let hasHead):
            if status?.code == .unavailable, !hasHead, options.isRepeatable, mayBeSentAgain() {
                return sendAgain(after: nextPause())
            }
            keepResponse(of: attempt)
            finish(status)
        }
    }

    private func mayBeSentAgain() -> Bool {
        !requests.isDropped && attempts < channel.limits.attemptsMax
    }

    private func nextPause() -> Duration { retryPauses.next() }

    private func sendAgain(after pause: Duration?) {
        guard let pause else {
            phase = .waiting
            return channel.enqueue(self)
        }
        phase = .pausing(
            channel.reactor.schedule(after: pause) { [weak self] in
                guard let self else { return }
                phase = .waiting
                channel.enqueue(self)
            })
    }

    /// The stream's bytes go with it.
    private func keepResponse(of attempt: CallAttempt) {
        if attempt.hasHead {
            leftover = attempt.stream.received
        }
        attempt.stream.discardReceived()
        if let trailers = attempt.stream.trailers {
            trailingMetadata = Metadata(trailers)
        } else if !attempt.hasHead {
            trailingMetadata = Metadata(attempt.stream.headers)
        }
    }

    // MARK: The end

    /// Ends the call from here, unless it has ended: what came and was not taken is dropped.
    func fail(_ status: RPCStatus) {
        switch phase {
        case .ended: return
        case .waiting: channel.forget(self)
        case .pausing(let timer): timer.cancel()
        case .open(let attempt): attempt.cancel(.cancel)
        }
        finish(status)
    }

    /// Ends the call because nobody wants it any more.
    func cancel() { fail(RPCStatus(.cancelled, "the caller cancelled the call")) }

    /// Nobody can ask for the rest: takes no more memory for it.
    func abandon() {
        cancel()
        leftover.removeAll()
    }

    private func deadlinePassed() {
        let doing =
            switch phase {
            case .waiting: "while it waited for a connection\(channel.whyNotReady)"
            case .pausing: "before it was sent again"
            case .open, .ended: "before the call ended; what it asked for may have been done"
            }
        fail(RPCStatus(.deadlineExceeded, "the deadline passed \(doing)"))
    }

    private func finish(_ status: RPCStatus?) {
        phase = .ended(status)
        deadlineTimer?.cancel()
        deadlineTimer = nil
        requests.drop()
        channel.callEnded()
        canRead.raise()
        canWrite.raise()
    }
}
