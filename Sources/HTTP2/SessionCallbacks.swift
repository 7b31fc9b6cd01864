import CNghttp2

// Each callback notes what happened in the recorder and returns; none calls back into the session,
// but for the trailers that a data source submits at its end, which nghttp2 provides for.
//
// Safe throughout: the pointers are nghttp2's and valid for the call; the user data is the recorder
// that the session retains for longer than its nghttp2_session lives.

@safe struct SessionCallbacks: ~Copyable {
    let pointer: OpaquePointer

    init() throws(HTTP2Error) {
        var created: OpaquePointer?
        let code = unsafe nghttp2_session_callbacks_new(&created)
        guard code == 0, let created = unsafe created else {
            throw HTTP2Error(function: "nghttp2_session_callbacks_new", code: code)
        }
        unsafe pointer = created
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(pointer, onBeginFrame)
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(pointer, onBeginHeaders)
        unsafe nghttp2_session_callbacks_set_on_header_callback(pointer, onHeader)
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(pointer, onFrameReceived)
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(pointer, onDataChunk)
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(pointer, onStreamClose)
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(pointer, onFrameSent)
        unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(pointer, onFrameNotSent)
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
            pointer,
            onInvalidFrame
        )
    }

    deinit { unsafe nghttp2_session_callbacks_del(pointer) }
}

private func recorder(_ userData: UnsafeMutableRawPointer?) -> SessionRecorder? {
    guard let userData = unsafe userData else { return nil }
    return unsafe Unmanaged<SessionRecorder>.fromOpaque(userData).takeUnretainedValue()
}

private let endStream = UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)
private let acknowledgement = UInt8(NGHTTP2_FLAG_ACK.rawValue)

private let onBeginFrame: nghttp2_on_begin_frame_callback = { _, header, userData in
    guard let header = unsafe header?.pointee, let recorder = unsafe recorder(userData)
    else { return 0 }
    let type = nghttp2_frame_type(UInt32(header.type))
    // Here and not once it is received: the library tells nothing of one on a stream that is closed.
    if type == NGHTTP2_WINDOW_UPDATE { recorder.noteWindowUpdate() }
    guard recorder.role == .server else { return 0 }
    switch type {
    case NGHTTP2_HEADERS:
        recorder.noteHeadersFrame(header.stream_id, isEnd: header.flags & endStream != 0)
    case NGHTTP2_DATA: recorder.noteTakenData(header.stream_id)
    case NGHTTP2_PRIORITY: recorder.notePriorityFrame(header.stream_id)
    default: break
    }
    return 0
}

private let onBeginHeaders: nghttp2_on_begin_headers_callback = { _, frame, userData in
    guard let recorder = unsafe recorder(userData), let frame = unsafe frame else { return 0 }
    let id = unsafe frame.pointee.hd.stream_id
    guard unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else {
        recorder.beginSection(recorder.stream(id))
        if let stream = recorder.current, stream.hasHeaders { stream.trailers = HeaderBlock() }
        return 0
    }
    guard let session = recorder.session else { return 0 }
    let stream = HTTP2Stream(id: id, session: session)
    if let last = recorder.lastServedID, id > last { stream.isTurnedAway = true }
    recorder.add(stream)
    recorder.beginSection(stream)
    return 0
}

private let onHeader: nghttp2_on_header_callback = {
    _,
    _,
    name,
    nameCount,
    value,
    valueCount,
    _,
    userData in
    guard let recorder = unsafe recorder(userData) else { return 0 }
    let nameBytes = unsafe UnsafeBufferPointer(start: name, count: nameCount)
    let valueBytes = unsafe UnsafeBufferPointer(start: value, count: valueCount)
    let verdict = unsafe recorder.noteHeader(
        name: Span(_unsafeElements: nameBytes),
        value: Span(_unsafeElements: valueBytes)
    )
    // The library then resets this stream and goes on with the connection.
    return verdict == .kept ? 0 : Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
}

private let onDataChunk: nghttp2_on_data_chunk_recv_callback = {
    _,
    _,
    id,
    data,
    count,
    userData in
    let bytes = unsafe UnsafeBufferPointer(start: data, count: count)
    unsafe recorder(userData)?.noteBody(id, Span(_unsafeElements: bytes))
    return 0
}

private let onFrameReceived: nghttp2_on_frame_recv_callback = { _, frame, userData in
    guard let recorder = unsafe recorder(userData), let frame = unsafe frame else { return 0 }
    let header = unsafe frame.pointee.hd
    let isEnd = header.flags & endStream != 0
    switch nghttp2_frame_type(UInt32(header.type)) {
    case NGHTTP2_DATA:
        guard let stream = recorder.stream(header.stream_id) else { break }
        if isEnd {
            recorder.noteRemoteEnd(stream)
        } else if header.length == 0 {
            recorder.noteIdleFrame()
        }
    case NGHTTP2_HEADERS:
        recorder.current = nil
        guard let stream = recorder.stream(header.stream_id) else { break }
        if recorder.role == .client, stream.forgetsInformational() { break }
        let isFirst = unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
        if !stream.isTurnedAway { recorder.note(isFirst ? .began : .headers, stream) }
        stream.hasHeaders = true
        if isEnd { recorder.noteRemoteEnd(stream) }
    case NGHTTP2_PING:
        if header.flags & acknowledgement == 0 {
            recorder.notePing()
        } else {
            recorder.notePingAck(unsafe frame.pointee.ping.opaque_data.0)
            recorder.noteIdleFrame()
        }
    case NGHTTP2_SETTINGS:
        if header.flags & acknowledgement == 0 {
            recorder.hasPeerSettings = true
            recorder.hasNews = true
            unsafe recorder.noteSettings(frame.pointee.settings)
            recorder.noteIdleFrame()
        }
    case NGHTTP2_RST_STREAM: recorder.notePeerReset(header.stream_id)
    case NGHTTP2_GOAWAY:
        let goAway = unsafe frame.pointee.goaway
        let text = unsafe UnsafeBufferPointer(
            start: goAway.opaque_data,
            count: min(goAway.opaque_data_len, GoAway.debugBytesMax)
        )
        recorder.goAway = unsafe GoAway(
            lastStreamID: goAway.last_stream_id,
            code: ErrorCode(rawValue: goAway.error_code),
            debugText: String(decoding: text, as: UTF8.self)
        )
        recorder.hasNews = true
        recorder.noteIdleFrame()
    default: break
    }
    return 0
}

extension SessionRecorder {
    /// The peer's settings arrived.
    fileprivate func noteSettings(_ settings: nghttp2_settings) {
        let window = Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue)
        for index in unsafe 0..<settings.niv {
            guard let entries = unsafe settings.iv else { return }
            if unsafe entries[index].settings_id == window { hasFreshWindows = true }
        }
    }
}

private let onStreamClose: nghttp2_on_stream_close_callback = { _, id, code, userData in
    unsafe recorder(userData)?.noteClosed(id, ErrorCode(rawValue: code))
    return 0
}

private let onFrameSent: nghttp2_on_frame_send_callback = { _, frame, userData in
    guard let recorder = unsafe recorder(userData), let frame = unsafe frame else { return 0 }
    let header = unsafe frame.pointee.hd
    switch nghttp2_frame_type(UInt32(header.type)) {
    case NGHTTP2_DATA, NGHTTP2_HEADERS:
        recorder.noteProgressSent(
            isBody: nghttp2_frame_type(UInt32(header.type)) == NGHTTP2_DATA)
        guard header.flags & endStream != 0, let stream = recorder.stream(header.stream_id)
        else { break }
        stream.isLocalEndSent = true
        if recorder.role == .server, !stream.isRemoteEnded { recorder.note(.localEnd, stream) }
    case NGHTTP2_RST_STREAM:
        let code = unsafe frame.pointee.rst_stream.error_code
        recorder.noteOwnReset(ErrorCode(rawValue: code))
    default: break
    }
    return 0
}

private let onFrameNotSent: nghttp2_on_frame_not_send_callback = { _, frame, _, userData in
    guard let recorder = unsafe recorder(userData), let frame = unsafe frame else { return 0 }
    let header = unsafe frame.pointee.hd
    guard nghttp2_frame_type(UInt32(header.type)) == NGHTTP2_HEADERS,
        let stream = recorder.stream(header.stream_id)
    else { return 0 }
    recorder.note(.notSent, stream)
    return 0
}

private let onInvalidFrame: nghttp2_on_invalid_frame_recv_callback = { _, _, _, userData in
    unsafe recorder(userData)?.noteIdleFrame()
    return 0
}
