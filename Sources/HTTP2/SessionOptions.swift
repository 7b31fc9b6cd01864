import CNghttp2

/// Owns an `nghttp2_option` while a session is made from it.
@safe struct SessionOptions: ~Copyable {
    let pointer: OpaquePointer

    /// Everything that nghttp2 can be told to limit, told.
    init(_ limits: ConnectionLimits) throws(HTTP2Error) {
        var created: OpaquePointer?
        // Safe: the option is ours alone until deinit; its setters only store numbers.
        let code = unsafe nghttp2_option_new(&created)
        guard code == 0, let created = unsafe created else {
            throw HTTP2Error(function: "nghttp2_option_new", code: code)
        }
        unsafe pointer = created
        // New room is given when a handler takes bytes, not when they arrive.
        unsafe nghttp2_option_set_no_auto_window_update(pointer, 1)
        unsafe nghttp2_option_set_no_closed_streams(pointer, 1)
        unsafe nghttp2_option_set_max_outbound_ack(pointer, limits.queuedAcksMax)
        unsafe nghttp2_option_set_max_settings(pointer, limits.settingsEntriesMax)
        unsafe nghttp2_option_set_max_continuations(pointer, limits.continuationsMax)
        // A belt: the library would end the connection with INTERNAL_ERROR. We count after each read,
        // which may hold so many more.
        unsafe nghttp2_option_set_stream_reset_rate_limit(
            pointer,
            limits.peerResets.burst + SessionOptions.resetsAReadMax,
            limits.peerResets.perSecond
        )
    }

    /// RST_STREAM frames that fit one read.
    private static let resetsAReadMax = UInt64(LoopBuffers.inputBytes / 13)

    deinit { unsafe nghttp2_option_del(pointer) }
}
