import CCurl
import EventLoops

/// Owns one libcurl multi handle and lets the loop's reactor drive it: libcurl says which sockets to
/// watch and when to be called again, and never waits itself.
///
/// Callbacks only note what libcurl said; none calls back into libcurl.
@safe final class CurlMulti {
    // Safe: made in init, freed in deinit, used on the loop's thread only.
    private let handle: UnsafeMutableRawPointer
    private let reactor: Reactor
    private var sockets: [Int32: WatchedSocket] = [:]
    private var transfers: [UInt: Transfer] = [:]
    private var timer: LoopTimer?

    /// How many transfers found nobody, or lost who was there.
    private(set) var outageCount = 0

    /// The transfers that have not ended.
    var transferCount: Int { transfers.count }

    /// libcurl's global set-up, once a process; without OpenSSL's, for nothing here speaks TLS.
    private static let isLibraryReady = curl_global_init(0) == CURLE_OK

    /// - Throws: `.notSent` when libcurl cannot be set up.
    init(reactor: Reactor, idleConnectionsMax: Int) throws(DockerError) {
        guard CurlMulti.isLibraryReady, let handle = unsafe curl_multi_init() else {
            throw DockerError(.notSent, operation: "set up", message: "libcurl has no memory")
        }
        unsafe self.handle = handle
        self.reactor = reactor
        // Safe: libcurl calls back only during calls below, while this object lives; deinit takes
        // the callbacks away first.
        let user = unsafe Unmanaged.passUnretained(self).toOpaque()
        _ = unsafe berth_curl_multi_set_callbacks(handle, onSocket, onTimer, user)
        _ = unsafe berth_curl_multi_set_long(
            handle, CURLMOPT_MAXCONNECTS, Int(clamping: idleConnectionsMax))
    }

    deinit {
        timer?.cancel()
        for socket in sockets.values { socket.stop(reactor) }
        // A transfer in the table holds this object, so the table is empty here.
        _ = unsafe berth_curl_multi_set_callbacks(handle, nil, nil, nil)
        _ = unsafe curl_multi_cleanup(handle)
    }

    /// Begins a transfer; it holds this object, and this object holds it, until it ends.
    /// - Returns: Whether libcurl took it.
    func begin(_ transfer: Transfer) -> Bool {
        guard unsafe curl_multi_add_handle(handle, transfer.easy) == CURLM_OK else { return false }
        transfers[transfer.id] = transfer
        return true
    }

    /// Ends a transfer before its time; its connection is closed. Without effect on one that ended.
    func abandon(_ transfer: Transfer) {
        guard transfers.removeValue(forKey: transfer.id) != nil else { return }
        _ = unsafe curl_multi_remove_handle(handle, transfer.easy)
    }

    /// Counts a transfer that found nobody, or lost who was there.
    func noteOutage() { outageCount += 1 }

    // MARK: What libcurl waits for

    fileprivate func wantsSocket(_ descriptor: Int32, _ what: Int32) {
        guard what != CURL_POLL_REMOVE else {
            sockets.removeValue(forKey: descriptor)?.stop(reactor)
            return
        }
        var interest: Readiness = []
        if what & CURL_POLL_IN != 0 { interest.insert(.readable) }
        if what & CURL_POLL_OUT != 0 { interest.insert(.writable) }
        let socket: WatchedSocket
        if let known = sockets[descriptor] {
            socket = known
        } else {
            socket = WatchedSocket(descriptor, self)
            sockets[descriptor] = socket
        }
        socket.watch(for: interest, reactor)
    }

    fileprivate func wantsTimer(_ milliseconds: Int) {
        timer?.cancel()
        timer = nil
        guard milliseconds >= 0 else { return }
        timer = reactor.schedule(after: .milliseconds(milliseconds)) { [weak self] in
            guard let self else { return }
            self.timer = nil
            // CURL_SOCKET_TIMEOUT, which is a macro of a macro.
            self.act(on: -1, 0)
        }
    }

    fileprivate func act(on descriptor: Int32, _ bits: Int32) {
        var running: Int32 = 0
        // An error would be one of our own arguments; each transfer reports its own failures.
        _ = unsafe curl_multi_socket_action(handle, descriptor, bits, &running)
        takeEnded()
    }

    private func takeEnded() {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(handle, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE,
                let easy = unsafe message.pointee.easy_handle
            else { continue }
            // Read before the handle goes, which invalidates the message.
            let code = unsafe berth_curl_message_result(message)
            guard let transfer = transfers.removeValue(forKey: UInt(bitPattern: easy)) else {
                continue
            }
            _ = unsafe curl_multi_remove_handle(handle, easy)
            transfer.ended(code)
        }
    }
}

/// One of libcurl's sockets in the reactor.
private final class WatchedSocket: ReadinessHandler {
    private let descriptor: Int32
    private weak var multi: CurlMulti?
    private var watch: Watch?

    init(_ descriptor: Int32, _ multi: CurlMulti) {
        self.descriptor = descriptor
        self.multi = multi
    }

    func watch(for interest: Readiness, _ reactor: Reactor) {
        // Of a watched socket epoll would tell the end even so, again and again.
        guard !interest.isEmpty else { return stop(reactor) }
        // A socket that cannot be watched is found by the deadline of its request.
        if let watch {
            try? reactor.update(watch, interest: interest)
        } else {
            watch = try? reactor.watch(descriptor, for: interest, handler: self)
        }
    }

    func stop(_ reactor: Reactor) {
        if let watch { reactor.stopWatching(watch) }
        watch = nil
    }

    func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
        var bits: Int32 = 0
        if readiness.contains(.readable) { bits |= CURL_CSELECT_IN }
        if readiness.contains(.writable) { bits |= CURL_CSELECT_OUT }
        if readiness.contains(.closed) { bits |= CURL_CSELECT_IN | CURL_CSELECT_ERR }
        multi?.act(on: descriptor, bits)
    }
}

// Safe, both: libcurl calls them only from within calls that the multi makes, and the user data is
// that multi.

private let onSocket: berth_curl_socket_callback = { _, descriptor, what, user, _ in
    guard let user = unsafe user else { return 0 }
    let multi = unsafe Unmanaged<CurlMulti>.fromOpaque(user).takeUnretainedValue()
    multi.wantsSocket(descriptor, what)
    return 0
}

private let onTimer: berth_curl_timer_callback = { _, milliseconds, user in
    guard let user = unsafe user else { return 0 }
    let multi = unsafe Unmanaged<CurlMulti>.fromOpaque(user).takeUnretainedValue()
    multi.wantsTimer(milliseconds)
    return 0
}
