import CNghttp2

/// Hands the queued body of a stream to nghttp2, frame by frame, and the trailers after its end.
///
/// Safe: `buffer` has room for `length` bytes; the user data is the session's recorder.
let readQueuedBody: nghttp2_data_source_read_callback = {
    session,
    id,
    buffer,
    length,
    flags,
    _,
    userData in
    guard let userData = unsafe userData, let buffer = unsafe buffer, let flags = unsafe flags
    else { return ssize_t(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
    let recorder = unsafe Unmanaged<SessionRecorder>.fromOpaque(userData).takeUnretainedValue()
    guard let stream = recorder.stream(id) else {
        return ssize_t(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    }
    let count = min(length, stream.queued.count)
    if count > 0 {
        stream.queued.withBytes { bytes in
            unsafe bytes.withUnsafeBufferPointer { source in
                guard let start = source.baseAddress else { return }
                unsafe buffer.update(from: start, count: count)
            }
        }
        stream.queued.removeFirst(count)
        recorder.queuedBytes -= count
        stream.bytesSent &+= UInt64(count)
    }
    guard stream.queued.isEmpty else { return count }
    if stream.isDrainAwaited {
        stream.isDrainAwaited = false
        recorder.note(.drained, stream)
    }
    if stream.isFinishing {
        unsafe flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
        if let trailers = stream.queuedTrailers {
            stream.queuedTrailers = nil
            unsafe flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
            let code = unsafe trailers.withFields { fields in
                unsafe nghttp2_submit_trailer(session, id, fields.baseAddress, fields.count)
            }
            if code != 0 { return ssize_t(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        }
        return count
    }
    if count == 0 {
        stream.isSourceDeferred = true
        return ssize_t(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    return count
}

extension HeaderBlock {
    /// Shows the fields as nghttp2 takes them; it copies what it keeps.
    func withFields<Result>(_ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result) -> Result {
        // Safe: the field array and the bytes it points into both outlive the call to `body`.
        unsafe storage.withUnsafeBufferPointer { bytes in
            unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: fields.count) {
                list in
                let start = unsafe UnsafeMutablePointer(mutating: bytes.baseAddress)
                for (index, field) in fields.enumerated() {
                    unsafe list.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: start.map { unsafe $0 + field.name.lowerBound },
                            value: start.map { unsafe $0 + field.value.lowerBound },
                            namelen: field.name.count,
                            valuelen: field.value.count,
                            flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)
                        )
                    )
                }
                return unsafe body(UnsafeBufferPointer(list))
            }
        }
    }
}
