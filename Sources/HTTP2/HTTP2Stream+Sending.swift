extension HTTP2Stream {
    /// Bytes of the body that wait to be sent.
    public var queuedBytes: Int { queued.count }

    /// Whether a writer may add more now; else it shall wait for
    /// ``StreamObserver/writesDrained(_:on:)`` after ``awaitDrain()``.
    public var hasRoomToWrite: Bool {
        if queued.count >= session.limits.queuedBytesPerStreamMax { return false }
        return queued.isEmpty
            || session.queuedBytes < session.limits.queuedBytesPerConnectionMax
    }

    /// Whether `count` more bytes may be queued at all.
    public func canQueue(_ count: Int) -> Bool {
        session.queuedBytes + count <= session.limits.queuedBytesPerConnectionHardMax
            && session.recorder.usage.queuedBytes + count <= session.limits.queuedBytesPerLoopMax
    }

    /// Sends the response's header section. `isEnd` ends our side: there is no body.
    public func respond(_ headers: HeaderBlock, isEnd: Bool) {
        guard !isClosed, !hasBegunResponse else { return }
        hasBegunResponse = true
        isFinishing = isEnd
        session.submitResponse(self, headers, isEnd: isEnd)
    }

    /// Queues bytes of the body.
    public func write(_ bytes: Span<UInt8>) {
        guard !isClosed, !isFinishing else { return }
        queued.append(bytes)
        session.queuedBytes += bytes.count
        session.resume(self)
    }

    /// Ends our side after what is queued, with trailers.
    public func finish(trailers: HeaderBlock?) {
        guard !isClosed, !isFinishing else { return }
        isFinishing = true
        queuedTrailers = trailers
        session.resume(self)
    }

    /// Ends the stream at once in both directions.
    public func reset(_ code: ErrorCode) {
        guard !isClosed else { return }
        session.submitReset(id, code)
    }

    /// Asks for one ``StreamObserver/writesDrained(_:on:)``.
    public func awaitDrain() { isDrainAwaited = true }

    /// Takes up to `count` bytes of ``received`` off the front and gives the peer room for as many.
    public func take(_ count: Int) {
        let taken = min(count, received.count)
        received.removeFirst(taken)
        session.recorder.receivedBytes -= taken
        consume(taken)
    }

    /// Bytes that lie in ``received`` on all streams of the connection.
    public var connectionReceivedBytes: Int { session.recorder.receivedBytes }

    /// The same on all connections of the loop.
    public var loopReceivedBytes: Int { session.recorder.usage.receivedBytes }

    /// Gives the peer room for `count` bytes that stay in ``received``: they are counted elsewhere.
    public func consume(_ count: Int) {
        let consumed = min(count, unconsumedBytes)
        guard consumed > 0 else { return }
        unconsumedBytes -= consumed
        session.consume(id, consumed)
    }

    /// Drops what arrived, now and from now on, so that the rest of a body nobody wants does not
    /// hold up the connection.
    public func discardReceived() {
        guard unconsumedBytes > 0 || heldBytes > 0 || !received.isEmpty else { return }
        session.recorder.receivedBytes -= received.count
        received.removeAll()
        heldBytes = 0
        consume(unconsumedBytes)
    }
}
