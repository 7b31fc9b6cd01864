import CCurl
import EventLoops

/// One HTTP exchange: owns a libcurl easy handle, keeps what arrived until the consumer takes it, and
/// pauses when that is too much.
///
/// One consumer at a time waits. It runs to its end unless it is abandoned, wanted or not.
@safe final class Transfer {
    // Safe: made in init, freed in deinit, which libcurl's multi handle does not outlive: while the
    // transfer is in there, the multi holds this object.
    let easy: UnsafeMutableRawPointer
    /// The easy handle's address, by which the multi finds this object.
    var id: UInt { unsafe UInt(bitPattern: easy) }

    let operation: String
    private let multi: CurlMulti
    private let reactor: Reactor
    private let limits: DockerLimits
    private let headers: HeaderList
    private let requestBody: RequestBytes

    private var received: [UInt8] = []
    private var headerBytes = 0
    private var areHeadersComplete = false
    private var isPaused = false
    private var excess: DockerError?
    private var outcome: Result<Void, DockerError>?
    private var waiter: Waiter?

    /// Whether the end was reached, well or not; bytes may still be there to take.
    var isEnded: Bool { outcome != nil }
    /// Bytes of the body that nobody took yet.
    var bufferedBytes: Int { received.count }
    /// The HTTP status; nil until the headers are complete.
    private(set) var status: Int?
    /// The answer's media type, without parameters, in small letters.
    private(set) var contentType = ""

    /// Prepares a transfer; ``start()`` begins it.
    ///
    /// - Parameter isOverNewConnection: Whether no connection that is there may serve it.
    /// - Throws: `.notSent` when libcurl refuses an option.
    init(
        _ request: DockerRequest, url: String, socketPath: String, multi: CurlMulti,
        reactor: Reactor, limits: DockerLimits, isOverNewConnection: Bool
    ) throws(DockerError) {
        operation = request.operation
        self.multi = multi
        self.reactor = reactor
        self.limits = limits
        guard let headers = HeaderList(request.body), let easy = unsafe curl_easy_init() else {
            throw DockerError(
                .notSent, operation: request.operation, message: "libcurl has no memory")
        }
        unsafe self.easy = easy
        self.headers = headers
        requestBody = RequestBytes(request.body?.bytes ?? [])
        guard configure(request.method, url: url, socketPath: socketPath),
            unsafe berth_curl_set_long(easy, CURLOPT_FRESH_CONNECT, isOverNewConnection ? 1 : 0)
                == CURLE_OK
        else {
            throw DockerError(
                .notSent, operation: request.operation, message: "libcurl refused an option")
        }
    }

    deinit { unsafe curl_easy_cleanup(easy) }

    private func configure(
        _ method: DockerRequest.Method, url: String, socketPath: String
    ) -> Bool {
        // Safe: texts are copied; body, headers and this object outlive the transfer.
        var codes = unsafe [
            berth_curl_set_text(easy, CURLOPT_URL, url),
            berth_curl_set_text(easy, CURLOPT_UNIX_SOCKET_PATH, socketPath),
            berth_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http"),
            // The environment's proxies are not for the engine.
            berth_curl_set_text(easy, CURLOPT_PROXY, ""),
            berth_curl_set_text(easy, CURLOPT_USERAGENT, "berth"),
            berth_curl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            berth_curl_set_long(easy, CURLOPT_PATH_AS_IS, 1),
            // No signal handlers in a program of several threads.
            berth_curl_set_long(easy, CURLOPT_NOSIGNAL, 1),
            berth_curl_set_headers(easy, headers.list),
            berth_curl_set_callbacks(
                easy, onBody, onHeader, Unmanaged.passUnretained(self).toOpaque()),
        ]
        switch method {
        case .get: break
        case .delete:
            codes.append(unsafe berth_curl_set_text(easy, CURLOPT_CUSTOMREQUEST, method.rawValue))
        case .post, .put:
            codes.append(unsafe berth_curl_set_long(easy, CURLOPT_POST, 1))
            codes.append(unsafe berth_curl_set_text(easy, CURLOPT_CUSTOMREQUEST, method.rawValue))
            codes.append(
                unsafe berth_curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, requestBody.count))
            codes.append(unsafe berth_curl_set_post_bytes(easy, requestBody.start))
        }
        return codes.allSatisfy { $0 == CURLE_OK }
    }

    /// Begins.
    /// - Throws: `.notSent`.
    func start() throws(DockerError) {
        guard multi.begin(self) else {
            throw DockerError(.notSent, operation: operation, message: "libcurl refused to begin")
        }
    }

    /// Ends it now, if it has not ended; who waits gets `.cancelled`.
    func abandon() {
        guard outcome == nil else { return }
        multi.abandon(self)
        end(.failure(DockerError(.cancelled, operation: operation, message: "abandoned")))
    }

    // MARK: The consumer's side

    /// Waits for the status and the headers.
    ///
    /// After `.timedOut` or `.cancelled` it goes on, and a later call may succeed.
    /// - Throws: `.timedOut`, `.cancelled`, or why the transfer failed.
    func waitForHeaders(until deadline: Instant?) async throws(DockerError) {
        while status == nil {
            if let outcome {
                try outcome.get()
                throw DockerError(.malformed, operation: operation, message: "an empty answer")
            }
            try await waitForChange(until: deadline)
        }
    }

    /// Waits for more of the body and takes all that is there; nil at its end.
    ///
    /// After `.timedOut` or `.cancelled` it goes on, and a later call may succeed.
    /// - Throws: `.timedOut`, `.cancelled`, or why the transfer failed.
    func nextBytes(until deadline: Instant?) async throws(DockerError) -> [UInt8]? {
        while received.isEmpty {
            if let outcome {
                try outcome.get()
                return nil
            }
            try await waitForChange(until: deadline)
        }
        var taken: [UInt8] = []
        swap(&taken, &received)
        resume()
        return taken
    }

    private func waitForChange(
        until deadline: Instant?, isolation: isolated (any Actor)? = #isolation
    ) async throws(DockerError) {
        precondition(waiter == nil, "two wait for one transfer")
        let waiter = Waiter()
        self.waiter = waiter
        let timer = deadline.map { instant in
            reactor.schedule(at: instant) { waiter.wake(.timedOut) }
        }
        let bound = LoopBound(waiter, loop: reactor.loop)
        await withTaskCancellationHandler {
            // Keeps the closure on the loop; else each await in it would leave and come back.
            _ = isolation
            await withCheckedContinuation { waiter.wait($0) }
        } onCancel: {
            bound.use { $0.wake(.cancelled) }
        }
        timer?.cancel()
        self.waiter = nil
        switch waiter.reason {
        case .timedOut:
            throw DockerError(.timedOut, operation: operation, message: "the deadline passed")
        case .cancelled:
            throw DockerError(.cancelled, operation: operation, message: "the task was cancelled")
        case .changed, nil: break
        }
    }

    private func resume() {
        guard isPaused else { return }
        isPaused = false
        // Calls the body's callback at once with what libcurl held back.
        if !isEnded { _ = unsafe curl_easy_pause(easy, CURLPAUSE_RECV_CONT) }
    }

    // MARK: libcurl's side

    fileprivate func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
        headerBytes += bytes.count
        guard headerBytes <= limits.headerBytesMax else {
            excess = DockerError(
                .tooLarge, operation: operation,
                message: "header fields of more than \(limits.headerBytesMax) bytes")
            return false
        }
        // The empty line behind the header fields; those of 1xx answers are followed by others.
        guard unsafe bytes.elementsEqual([0x0D, 0x0A]) || bytes.elementsEqual([0x0A]) else {
            return true
        }
        noteHeaders()
        return true
    }

    fileprivate func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        noteHeaders()
        // Refused bytes come again after curl_easy_pause.
        guard received.count < limits.bufferedBytesMax else {
            isPaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        unsafe received.append(contentsOf: bytes)
        waiter?.wake(.changed)
        return bytes.count
    }

    private func noteHeaders() {
        guard !areHeadersComplete else { return }
        // Safe: libcurl allows curl_easy_getinfo in callbacks, and the text is copied.
        let code = unsafe berth_curl_status(easy)
        guard code >= 200 else { return }
        areHeadersComplete = true
        status = code
        if let type = unsafe berth_curl_content_type(easy) {
            let text = unsafe String(cString: type).prefix { $0 != ";" && $0 != " " }
            contentType = text.lowercased()
        }
        waiter?.wake(.changed)
    }

    /// Called by the multi, which has let go of it.
    func ended(_ code: CURLcode) {
        guard code != CURLE_OK else {
            end(.success(()))
            return
        }
        let error = excess ?? failure(code)
        if error.kind == .unreachable || error.kind == .interrupted { multi.noteOutage() }
        end(.failure(error))
    }

    private func end(_ result: Result<Void, DockerError>) {
        outcome = result
        waiter?.wake(.changed)
    }

    private func failure(_ code: CURLcode) -> DockerError {
        // Safe: a constant text of libcurl's.
        let text = unsafe String(cString: curl_easy_strerror(code))
        let systemCode = Int32(clamping: unsafe berth_curl_system_error(easy))
        switch code {
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST:
            let reason =
                systemCode == 0
                ? text : "\(SystemError(function: "connect", code: systemCode))"
            return DockerError(.unreachable, operation: operation, message: reason)
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING,
            CURLE_HTTP2:
            return DockerError(.malformed, operation: operation, message: text)
        default:
            return DockerError(.interrupted, operation: operation, message: text)
        }
    }
}

/// Resumes one waiting task once, whoever is first.
private final class Waiter {
    enum Reason {
        case changed
        case timedOut
        case cancelled
    }

    private(set) var reason: Reason?
    private var continuation: CheckedContinuation<Void, Never>?

    /// Resumes at once when woken before: the way here may have been suspended.
    func wait(_ continuation: CheckedContinuation<Void, Never>) {
        if reason == nil { self.continuation = continuation } else { continuation.resume() }
    }

    func wake(_ reason: Reason) {
        guard self.reason == nil else { return }
        self.reason = reason
        continuation?.resume()
        continuation = nil
    }
}

// Safe, both: libcurl's bytes are valid during the call, and the user data is the transfer, which
// lives for as long as its easy handle.

private let onBody: berth_curl_write_callback = { bytes, _, count, user in
    guard let bytes = unsafe bytes, let user = unsafe user else { return 0 }
    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue()
    return unsafe transfer.receive(UnsafeRawBufferPointer(start: bytes, count: count))
}

private let onHeader: berth_curl_write_callback = { bytes, _, count, user in
    guard let bytes = unsafe bytes, let user = unsafe user else { return 0 }
    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue()
    return unsafe transfer.receiveHeader(UnsafeRawBufferPointer(start: bytes, count: count))
        ? count : 0
}
