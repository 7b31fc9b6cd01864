import CNghttp2
import EventLoops

/// Owns one `nghttp2_session`: bytes in, events out; calls in, bytes out.
///
/// No pointer leaves it. The library's callbacks only note events in the recorder, which the
/// session retains once for them and releases after `nghttp2_session_del`.
@safe public final class Session {
    /// Which end of the connection this is.
    public enum Role: Sendable {
        /// We connected.
        case client
        /// We accepted.
        case server
    }

    let limits: ConnectionLimits
    let recorder: SessionRecorder
    /// Called when there is something to send.
    var outputPending: (() -> Void)?
    private let pointer: OpaquePointer
    private var scanner = FrameScanner()
    private let retainedRecorder: Unmanaged<SessionRecorder>

    /// Makes a session and queues its SETTINGS.
    /// - Throws: ``HTTP2Error`` when nghttp2 is out of memory.
    init(
        role: Role, limits: ConnectionLimits, now: Instant, usage: LoopUsage
    ) throws(HTTP2Error) {
        self.limits = limits
        recorder = SessionRecorder(role: role, limits: limits, now: now, usage: usage)
        let callbacks = try SessionCallbacks()
        let options = try SessionOptions(limits)
        unsafe retainedRecorder = Unmanaged.passRetained(recorder)
        var created: OpaquePointer?
        // Safe: the session copies callbacks and options; the user data is retained above.
        let userData = unsafe retainedRecorder.toOpaque()
        let code =
            switch role {
            case .server:
                unsafe nghttp2_session_server_new2(
                    &created,
                    callbacks.pointer,
                    userData,
                    options.pointer
                )
            case .client:
                unsafe nghttp2_session_client_new2(
                    &created,
                    callbacks.pointer,
                    userData,
                    options.pointer
                )
            }
        guard code == 0, let created = unsafe created else {
            unsafe retainedRecorder.release()
            throw HTTP2Error(function: "nghttp2_session_new", code: code)
        }
        unsafe pointer = created
        recorder.session = self
        try submitSettings(role)
    }

    deinit {
        // Safe: nothing else has the pointers; the recorder is released after the last callback.
        unsafe nghttp2_session_del(pointer)
        recorder.session = nil
        unsafe retainedRecorder.release()
    }

    /// Bytes of body queued on all streams.
    var queuedBytes: Int {
        get { recorder.queuedBytes }
        set { recorder.queuedBytes = newValue }
    }

    /// How many streams the peer takes at once.
    var peerStreamsMax: Int {
        // Safe: as in what follows.
        let max = unsafe nghttp2_session_get_remote_settings(
            pointer,
            NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS
        )
        return Int(clamping: max)
    }

    /// How many streams are open.
    var openStreams: Int { recorder.streams.count }

    // Safe in all that follows: the pointer lives as long as self, and the library copies what it
    // is given.

    /// Whether the session still expects bytes from the peer.
    var wantsToRead: Bool { unsafe nghttp2_session_want_read(pointer) != 0 }
    /// Whether there is something to send, as far as the windows allow.
    var wantsToWrite: Bool { unsafe nghttp2_session_want_write(pointer) != 0 }

    /// Frames other than DATA that wait to be sent.
    var queuedFrames: Int { unsafe nghttp2_session_get_outbound_queue_size(pointer) }

    /// Lets the library read what arrived; the events are noted in the recorder.
    /// - Throws: ``HTTP2Error`` when the connection cannot go on.
    func receive(_ bytes: UnsafeRawBufferPointer, now: Instant) throws(HTTP2Error) {
        recorder.now = now
        if recorder.role == .server {
            recorder.beginRead()
            scanner.removeAll()
            scanner.scan(unsafe Span(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self)))
        }
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let count = unsafe nghttp2_session_mem_recv(pointer, start, bytes.count)
        guard count >= 0 else {
            throw HTTP2Error(function: "nghttp2_session_mem_recv", code: Int32(count))
        }
        consumeOrphaned()
        if recorder.takenDataIDs.count != scanner.dataFrames.count, wantsToRead {
            recorder.noteDroppedData(scanner.dataFrames)
        }
        for _ in 0..<scanner.unknownFrames { recorder.noteIdleFrame() }
        resetSpeakers()
        // After everything that the peer made us queue, by the library's own hand or by ours.
        recorder.noteQueued(queuedFrames)
    }

    /// Appends what there is to send to `output`, until it holds `bytesMax` or nothing is left.
    /// - Throws: ``HTTP2Error`` when the connection cannot go on.
    func drain(into output: inout [UInt8], bytesMax: Int, now: Instant) throws(HTTP2Error) {
        recorder.now = now
        while output.count < bytesMax {
            var chunk: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(pointer, &chunk)
            guard count >= 0 else {
                throw HTTP2Error(function: "nghttp2_session_mem_send", code: Int32(count))
            }
            if count == 0 { break }
            unsafe output.append(contentsOf: UnsafeBufferPointer(start: chunk, count: count))
        }
        recorder.hasFreshWindows = false
        consumeOrphaned()
    }

    /// Sends a response's header section; a stream that cannot have one is reset, for a peer that heard
    /// nothing would wait for it.
    func submitResponse(_ stream: HTTP2Stream, _ headers: HeaderBlock, isEnd: Bool) {
        var source = unsafe nghttp2_data_provider()
        unsafe source.read_callback = readQueuedBody
        let code = unsafe headers.withFields { fields in
            if isEnd {
                unsafe nghttp2_submit_response(
                    pointer,
                    stream.id,
                    fields.baseAddress,
                    fields.count,
                    nil
                )
            } else {
                unsafe nghttp2_submit_response(
                    pointer,
                    stream.id,
                    fields.baseAddress,
                    fields.count,
                    &source
                )
            }
        }
        if code != 0 { submitReset(stream.id, .internalError) }
        outputPending?()
    }

    /// Starts a request (client).
    /// - Throws: ``HTTP2Error``, such as when the stream ids are used up.
    func submitRequest(_ headers: HeaderBlock, isEnd: Bool) throws(HTTP2Error) -> HTTP2Stream {
        var source = unsafe nghttp2_data_provider()
        unsafe source.read_callback = readQueuedBody
        let id = unsafe headers.withFields { fields in
            if isEnd {
                unsafe nghttp2_submit_request(
                    pointer,
                    nil,
                    fields.baseAddress,
                    fields.count,
                    nil,
                    nil
                )
            } else {
                unsafe nghttp2_submit_request(
                    pointer,
                    nil,
                    fields.baseAddress,
                    fields.count,
                    &source,
                    nil
                )
            }
        }
        guard id > 0 else { throw HTTP2Error(function: "nghttp2_submit_request", code: id) }
        let stream = HTTP2Stream(id: id, session: self)
        stream.hasBegunResponse = true
        stream.isFinishing = isEnd
        recorder.add(stream)
        outputPending?()
        return stream
    }

    /// Gives the next request this id, which must be odd and higher than those used (client); for
    /// tests of what follows when they are used up.
    /// - Throws: ``HTTP2Error`` when nghttp2 does not take it.
    func skipStreamIDs(to id: Int32) throws(HTTP2Error) {
        let code = unsafe nghttp2_session_set_next_stream_id(pointer, id)
        guard code == 0 else {
            throw HTTP2Error(function: "nghttp2_session_set_next_stream_id", code: code)
        }
    }

    /// Tells the library that a stream's data source has bytes, or an end, after it had none.
    func resume(_ stream: HTTP2Stream) {
        guard stream.isSourceDeferred else {
            outputPending?()
            return
        }
        stream.isSourceDeferred = false
        unsafe nghttp2_session_resume_data(pointer, stream.id)
        outputPending?()
    }

    func submitReset(_ id: Int32, _ code: ErrorCode) {
        unsafe nghttp2_submit_rst_stream(
            pointer,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            id,
            code.rawValue
        )
        outputPending?()
    }

    func submitPing(_ mark: SessionRecorder.PingMark = .keepalive) {
        let payload = [mark.rawValue, 0, 0, 0, 0, 0, 0, 0]
        unsafe nghttp2_submit_ping(pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), payload)
        outputPending?()
    }

    /// Announces that this end will go away: GOAWAY with the highest stream id, nothing refused yet.
    func submitShutdownNotice() {
        unsafe nghttp2_submit_shutdown_notice(pointer)
        outputPending?()
    }

    /// Refuses streams from now on: GOAWAY with the last stream id that was processed.
    ///
    /// The library takes streams until that frame is packed, which may have others before it, and
    /// then closes those above the id; the peer makes those calls again elsewhere. So nobody may be
    /// told of them.
    func submitGoAway(_ code: ErrorCode, reason: StaticString) {
        let last = unsafe nghttp2_session_get_last_proc_stream_id(pointer)
        recorder.lastServedID = min(recorder.lastServedID ?? .max, last)
        unsafe nghttp2_submit_goaway(
            pointer,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            last,
            code.rawValue,
            reason.utf8Start,
            reason.utf8CodeUnitCount
        )
        outputPending?()
    }

    func consume(_ id: Int32, _ count: Int) {
        unsafe nghttp2_session_consume(pointer, id, count)
        outputPending?()
    }

    private func resetSpeakers() {
        guard !recorder.speakingAfterReset.isEmpty else { return }
        let ids = recorder.speakingAfterReset
        recorder.speakingAfterReset = []
        for id in ids { submitReset(id, .streamClosed) }
    }

    private func consumeOrphaned() {
        guard recorder.orphanedBytes > 0 else { return }
        unsafe nghttp2_session_consume_connection(pointer, recorder.orphanedBytes)
        recorder.orphanedBytes = 0
        outputPending?()
    }

    private func submitSettings(_ role: Role) throws(HTTP2Error) {
        var entries = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: limits.streamWindowBytes
            ),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(clamping: limits.headerListBytesMax)
            ),
            // Spares both ends the priority tree of RFC 7540, which RFC 9113 withdrew.
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue),
                value: 1
            ),
        ]
        switch role {
        case .server:
            entries.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                    value: limits.concurrentStreamsMax
                )
            )
        case .client:
            entries.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue),
                    value: 0
                )
            )
        }
        var code = unsafe nghttp2_submit_settings(
            pointer,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            entries,
            entries.count
        )
        guard code == 0 else { throw HTTP2Error(function: "nghttp2_submit_settings", code: code) }
        code = unsafe nghttp2_session_set_local_window_size(
            pointer,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            0,
            Int32(limits.connectionWindowBytes)
        )
        guard code == 0 else {
            throw HTTP2Error(function: "nghttp2_session_set_local_window_size", code: code)
        }
    }
}
