public import EventLoops

/// Speaks the Docker Engine API over its unix socket, for one event loop.
///
/// Nothing here waits in a system call: libcurl's multi interface is driven by the loop's reactor,
/// and any number of requests and streams run at once. How far Podman's compatible socket serves:
/// docs/architecture/docker-engine.md.
///
/// Every call has a deadline, counted from the call, and ends at once when its task is cancelled;
/// what was asked for may then have happened all the same. A request over a connection that turns
/// out to be dead before any byte of an answer came is sent once more by libcurl: every call here is
/// safe to repeat, given that containers are created by name.
public final class DockerClient {
    /// Where Docker listens unless told otherwise.
    public static let socketPathDefault = "/var/run/docker.sock"

    /// The socket.
    public let socketPath: String
    /// What bounds answers, streams and requests.
    public let limits: DockerLimits
    /// The version of the API that is spoken; nil before the first call, and after the engine was
    /// out of reach, for it may come back as another.
    public private(set) var apiVersion: APIVersion?

    private let reactor: Reactor
    private let multi: CurlMulti

    /// Makes a client; nothing is sent yet.
    /// - Throws: `.notSent` when libcurl cannot be set up.
    public init(
        reactor: Reactor, socketPath: String = DockerClient.socketPathDefault,
        limits: DockerLimits = DockerLimits()
    ) throws(DockerError) {
        self.reactor = reactor
        self.socketPath = socketPath
        self.limits = limits
        multi = try CurlMulti(reactor: reactor, idleConnectionsMax: limits.idleConnectionsMax)
    }

    /// The number of requests and streams under way.
    public var requestCount: Int { multi.transferCount }

    /// How many requests and streams so far found nobody, or lost who was there before their end; the
    /// same number twice means that the engine stayed meanwhile.
    public var outageCount: Int { multi.outageCount }

    // MARK: What the operations are made of

    /// Sends a request and gives the value of its JSON answer.
    func call<Value>(
        _ request: DockerRequest, deadline: Duration,
        _ decode: (JSON) throws(MalformedAnswer) -> Value
    ) async throws(DockerError) -> Value {
        let answer = try await send(request, until: Instant.now().advanced(by: deadline))
        return try DockerClient.decoded(answer, request.operation, decode)
    }

    /// As ``call(_:deadline:_:)``; nil when the engine has no such thing.
    func find<Value>(
        _ request: DockerRequest, deadline: Duration,
        _ decode: (JSON) throws(MalformedAnswer) -> Value
    ) async throws(DockerError) -> Value? {
        do throws(DockerError) {
            return try await call(request, deadline: deadline, decode)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// Sends a request whose answer says nothing but that it was done.
    /// - Returns: Whether there was anything to do: false for `304 Not Modified`.
    @discardableResult
    func run(_ request: DockerRequest, deadline: Duration) async throws(DockerError) -> Bool {
        let answer = try await send(request, until: Instant.now().advanced(by: deadline))
        return !answer.isNotModified
    }

    /// As ``run(_:deadline:)`` for a removal.
    /// - Returns: Whether there was one to remove.
    func remove(_ request: DockerRequest, deadline: Duration) async throws(DockerError) -> Bool {
        do throws(DockerError) {
            return try await run(request, deadline: deadline)
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    /// Sends a request and gives its whole answer, a success.
    func send(
        _ request: DockerRequest, until deadline: Instant, isVersioned: Bool = true,
        isOverNewConnection: Bool = false
    ) async throws(DockerError) -> Answer {
        let transfer = try await begin(
            request, until: deadline, isVersioned: isVersioned,
            isOverNewConnection: isOverNewConnection)
        defer { transfer.abandon() }
        try await confirm(transfer, until: deadline)
        let bytes = try await wholeBody(of: transfer, until: deadline)
        return Answer(
            status: transfer.status ?? 0, contentType: transfer.contentType, bytes: bytes)
    }

    /// Begins a request and waits until it is a success; its body is the caller's to take, and the
    /// transfer the caller's to abandon.
    func open(
        _ request: DockerRequest, until deadline: Instant
    ) async throws(DockerError) -> Transfer {
        let transfer = try await begin(request, until: deadline)
        do throws(DockerError) {
            try await confirm(transfer, until: deadline)
        } catch {
            transfer.abandon()
            throw error
        }
        return transfer
    }

    /// Begins a request; its answer is the caller's to confirm, and the transfer the caller's to
    /// abandon.
    func begin(
        _ request: DockerRequest, until deadline: Instant, isVersioned: Bool = true,
        isOverNewConnection: Bool = false
    ) async throws(DockerError) -> Transfer {
        let prefix = isVersioned ? "/v\(try await negotiatedVersion(until: deadline))" : ""
        guard multi.transferCount < limits.requestsAtOnceMax else {
            throw DockerError(
                .overloaded, operation: request.operation,
                message: "\(limits.requestsAtOnceMax) requests run already")
        }
        // The host's name is sent, and never looked up.
        let transfer = try Transfer(
            request, url: "http://docker\(prefix)\(request.target)", socketPath: socketPath,
            multi: multi, reactor: reactor, limits: limits,
            isOverNewConnection: isOverNewConnection)
        try transfer.start()
        return transfer
    }

    /// Waits for the headers of an answer.
    /// - Throws: `.refused` unless it is a success; `.timedOut` and `.cancelled`, after which it may
    ///   be called again; why the transfer failed.
    func confirm(_ transfer: Transfer, until deadline: Instant?) async throws(DockerError) {
        do throws(DockerError) {
            try await transfer.waitForHeaders(until: deadline)
            try await requireSuccess(transfer, until: deadline)
        } catch {
            throw located(error)
        }
    }

    private func requireSuccess(
        _ transfer: Transfer, until deadline: Instant?
    ) async throws(DockerError) {
        let status = transfer.status ?? 0
        if (200..<300).contains(status) || status == 304 { return }
        let bytes = try await wholeBody(of: transfer, until: deadline)
        // An engine says {"message": …}; a proxy in between may say anything, so that is not shown.
        let answer = try? JSON(parsing: bytes)
        throw DockerError(
            .refused, operation: transfer.operation,
            status: PodmanCause.status(status, cause: answer?["cause"]?.string),
            message: answer?["message"]?.string ?? "no message")
    }

    private func wholeBody(
        of transfer: Transfer, until deadline: Instant?
    ) async throws(DockerError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let more = try await transfer.nextBytes(until: deadline) {
            bytes += more
            guard bytes.count <= limits.answerBytesMax else {
                throw DockerError(
                    .tooLarge, operation: transfer.operation,
                    message: "an answer of more than \(limits.answerBytesMax) bytes")
            }
        }
        return bytes
    }

    /// Says where nobody was reached, and forgets what was agreed with whoever was there.
    private func located(_ error: DockerError) -> DockerError {
        guard error.kind == .unreachable else { return error }
        apiVersion = nil
        return DockerError(
            .unreachable, operation: error.operation, message: "\(socketPath): \(error.message)")
    }

    static func decoded<Value>(
        _ answer: Answer, _ operation: String,
        _ decode: (JSON) throws(MalformedAnswer) -> Value
    ) throws(DockerError) -> Value {
        guard answer.contentType == "application/json" else {
            throw DockerError(
                .malformed, operation: operation, status: answer.status,
                message: "the answer is not JSON")
        }
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: answer.bytes)
        } catch {
            throw DockerError(.malformed, operation: operation, message: "\(error)")
        }
        do throws(MalformedAnswer) {
            return try decode(json)
        } catch {
            throw DockerError(
                .malformed, operation: operation, message: "the answer's \(error.field)")
        }
    }

    // MARK: The version

    /// The version to speak, asked for once.
    private func negotiatedVersion(until deadline: Instant) async throws(DockerError) -> APIVersion
    {
        if let apiVersion { return apiVersion }
        let engine = try await version(until: deadline)
        guard
            let version = APIVersion.negotiated(
                minimum: engine.apiVersionMin, maximum: engine.apiVersion)
        else {
            throw DockerError(
                .incompatible, operation: "negotiate the version",
                message: "the engine speaks \(engine.apiVersionMin) to \(engine.apiVersion), "
                    + "we speak \(APIVersion.oldest) to \(APIVersion.newest)")
        }
        apiVersion = version
        return version
    }

    func version(until deadline: Instant) async throws(DockerError) -> EngineVersion {
        let request = DockerRequest.version()
        let answer = try await send(request, until: deadline, isVersioned: false)
        return try DockerClient.decoded(
            answer, request.operation, EngineVersion.init(answer:))
    }
}
