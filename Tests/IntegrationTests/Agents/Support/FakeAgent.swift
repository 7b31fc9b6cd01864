import BerthMessages
import Cryptography
import Domain
import EventLoops
import HTTP2
import Messages
import RPC
import StandardMessages
import Testing

/// An agent that does what a test wants, over its own connection.
final class FakeAgent: ConnectionDelegate {
    let key: SigningKey
    private(set) var credential = ""
    private(set) var serverID = ""
    /// The control plane's key, pinned at registration.
    private(set) var pinned: VerificationKey?
    /// The stream.
    private(set) var stream: FakeStream?
    private(set) var sessionID: [UInt8] = []
    /// What hello says that it works on.
    var helloJobs: [JobReference] = []
    /// The number of the last report.
    var sequence: Int64 = 0

    private let reactor: Reactor
    private let connection: Connection

    init(_ address: SocketAddress, _ reactor: Reactor, like other: FakeAgent? = nil) throws {
        self.reactor = reactor
        key = try other?.key ?? SigningKey.generate()
        credential = other?.credential ?? ""
        serverID = other?.serverID ?? ""
        pinned = other?.pinned
        let box = DelegateBox()
        // A test's loop stands still while it asks psql.
        var limits = ConnectionLimits()
        limits.prefaceTimeMax = .seconds(120)
        connection = try Connection(
            over: SocketStream.connecting(to: address), role: .client, peer: address,
            limits: limits, reactor: reactor, buffers: LoopBuffers(), delegate: box)
        delegateBox = box
        try connection.start()
    }

    /// The connection holds its delegate weakly.
    private let delegateBox: DelegateBox
    private final class DelegateBox: ConnectionDelegate {
        func streamBegan(
            _ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop
        ) {}
        func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {}
    }

    func streamBegan(
        _ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop
    ) {}
    func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {}

    /// Breaks the connection.
    func close() { connection.abandon() }

    // MARK: Calling

    /// Begins a call.
    func begin(_ path: String, _ token: String) throws -> FakeStream {
        var block = HeaderBlock()
        var fields = [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
            ("te", "trailers"), ("content-type", "application/grpc"),
        ]
        if !token.isEmpty { fields.append(("authorization", "Bearer \(token)")) }
        for (name, value) in fields {
            block.append(name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        let call = FakeStream(reactor)
        call.stream = try connection.request(block, isEnd: false, observer: call)
        return call
    }

    /// Uses a registration token.
    func register(_ token: SecretText) async throws {
        var request = AgentV1.RegisterRequest()
        request.registrationToken = token.revealed
        request.publicKey = key.publicKey
        request.agentVersion = "1.0.0"
        let call = try begin(AgentV1.AgentServiceMethods.register.path, "")
        try call.send(request)
        call.finish()
        try await call.ended()
        try #require(call.status == .ok, "\(call.message)")
        let response = try call.next(AgentV1.RegisterResponse.self)
        credential = try #require(response).credential
        serverID = try #require(response).serverID
        pinned = try VerificationKey(bytes: try #require(response).controlPlanePublicKey)
    }

    static var host: AgentV1.HostFacts {
        .with {
            $0.hostname = "db-1"
            $0.operatingSystem = "Debian GNU/Linux 12 (bookworm)"
            $0.architecture = "x86_64"
            $0.dockerVersion = "20.10.24"
            $0.processors = 2
            $0.memoryTotalBytes = 8 << 30
            $0.memoryAvailableBytes = 4 << 30
            $0.diskTotalBytes = 100 << 30
            $0.diskAvailableBytes = 60 << 30
        }
    }

    /// Says hello, and waits for welcome and the desired state.
    @discardableResult
    func connect() async throws -> AgentV1.Job {
        let stream = try sayHello()
        let response = try await stream.response()
        guard case .welcome(let welcome) = response.kind else {
            throw Unexpected(what: "\(response)")
        }
        sessionID = welcome.sessionID
        sequence = 0
        return try await job()
    }

    @discardableResult
    func sayHello(version: Int32 = 1) throws -> FakeStream {
        let stream = try begin(AgentV1.AgentServiceMethods.connect.path, credential)
        self.stream = stream
        var hello = AgentV1.Hello()
        hello.protocolVersion = version
        hello.agentVersion = "1.0.1"
        hello.host = FakeAgent.host
        hello.jobs = helloJobs.map(FakeAgent.reference)
        try stream.send(AgentV1.ConnectRequest.with { $0.kind = .hello(hello) })
        return stream
    }

    struct Unexpected: Error {
        let what: String
    }

    func live() throws -> FakeStream { try #require(stream) }

    // MARK: On the stream

    /// Waits for the next job and verifies it with the pinned key.
    func job() async throws -> AgentV1.Job {
        let envelope = try await envelope()
        #expect(try isGenuine(envelope))
        return try Wire.decode(from: envelope.payload)
    }

    func envelope() async throws -> AgentV1.SignedEnvelope {
        let response = try await live().response()
        guard case .job(let envelope) = response.kind else {
            throw Unexpected(what: "\(response)")
        }
        return envelope
    }

    /// Whether the pinned key signed it as a job.
    func isGenuine(_ envelope: AgentV1.SignedEnvelope) throws -> Bool {
        try #require(pinned).isValid(
            envelope.signature, of: Array("berth.agent.v1.Job\0".utf8) + envelope.payload)
    }

    /// Sends a heartbeat and waits for its answer.
    @discardableResult
    func heartbeat(_ jobs: [JobReference] = []) async throws -> AgentV1.HeartbeatAck {
        try sendHeartbeat(jobs)
        let response = try await live().response()
        guard case .heartbeatAck(let ack) = response.kind else {
            throw Unexpected(what: "\(response)")
        }
        return ack
    }

    func sendHeartbeat(_ jobs: [JobReference] = []) throws {
        var heartbeat = AgentV1.Heartbeat()
        heartbeat.host = FakeAgent.host
        heartbeat.jobs = jobs.map(FakeAgent.reference)
        try live().send(AgentV1.ConnectRequest.with { $0.kind = .heartbeat(heartbeat) })
    }

    static func reference(_ reference: JobReference) -> AgentV1.JobReference {
        .with {
            $0.jobID = reference.jobID.description
            $0.fencingToken = reference.fencingToken
        }
    }

    /// A report with the next number, signed, after `change`.
    func signed(
        _ kind: AgentV1.Report.Kind, _ change: (inout AgentV1.Report) -> Void = { _ in }
    ) throws -> AgentV1.SignedEnvelope {
        sequence += 1
        var report = AgentV1.Report()
        report.serverID = serverID
        report.sessionID = sessionID
        report.sequence = sequence
        report.issueTime = GoogleProtobuf.Timestamp(SystemWallClock().now())
        report.kind = kind
        change(&report)
        return try sign(try Wire.encode(report))
    }

    func sign(_ payload: [UInt8]) throws -> AgentV1.SignedEnvelope {
        var envelope = AgentV1.SignedEnvelope()
        envelope.payload = payload
        envelope.signature = try key.sign(Array("berth.agent.v1.Report\0".utf8) + payload)
        return envelope
    }

    func send(_ envelope: AgentV1.SignedEnvelope) throws {
        try live().send(AgentV1.ConnectRequest.with { $0.kind = .report(envelope) })
    }

    func report(_ kind: AgentV1.Report.Kind) throws { try send(try signed(kind)) }

    /// Reports how far a job has come.
    func report(_ job: AgentJob, _ state: AgentV1.JobState) throws {
        try report(.jobProgress(FakeAgent.progress(job, state)))
    }

    static func progress(_ job: AgentJob, _ state: AgentV1.JobState) -> AgentV1.JobProgress {
        .with {
            $0.reference = reference(job.reference)
            $0.serviceID = job.serviceID.description
            $0.state = state
            $0.message = "as told"
        }
    }

    static func eventually(
        _ reactor: Reactor, within time: Duration = .seconds(60), line: Int = #line,
        _ condition: () async throws -> Bool
    ) async throws {
        let end = Instant.now().advanced(by: time)
        while try await !condition() {
            guard Instant.now() < end else { throw Unexpected(what: "never held: line \(line)") }
            try await reactor.sleep(for: .milliseconds(1))
        }
    }
}

/// A call of a fake agent: sends any messages, keeps what came back.
final class FakeStream: StreamObserver {
    fileprivate(set) var stream: HTTP2Stream?
    private let reactor: Reactor
    private var received: [UInt8] = []
    private var headers: HeaderBlock?
    private var trailers: HeaderBlock?
    /// Whether the call is over.
    private(set) var isClosed = false
    /// Whether what arrives is taken, and the server given new room.
    var takes = true

    fileprivate init(_ reactor: Reactor) { self.reactor = reactor }

    func send<M: Message>(_ message: M) throws {
        let bytes = try Wire.encode(message)
        let count = UInt32(bytes.count)
        let prefix = [0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
        stream?.write((prefix + bytes).span)
    }

    /// Ends our side.
    func finish() { stream?.finish(trailers: nil) }

    /// Gives the call up.
    func cancel() { stream?.reset(.cancel) }

    /// Waits for the call's end and its status.
    func ended(within time: Duration = .seconds(60)) async throws {
        try await FakeAgent.eventually(reactor, within: time) { isClosed }
    }

    /// Waits for the next message of a stream.
    func response() async throws -> AgentV1.ConnectResponse {
        try await message(AgentV1.ConnectResponse.self)
    }

    /// Waits for the next message of any call.
    func message<M: Message>(_ type: M.Type) async throws -> M {
        try await FakeAgent.eventually(reactor) { hasMessage || isClosed }
        guard let response = try next(type) else {
            throw FakeAgent.Unexpected(what: "\(status.map(\.name) ?? "-"): \(message)")
        }
        return response
    }

    var hasMessage: Bool {
        received.count >= 5
            && received.count >= 5 + received[1..<5].reduce(0) { $0 << 8 | Int($1) }
    }

    /// The next message, if it is there.
    func next<M: Message>(_ type: M.Type) throws -> M? {
        guard hasMessage else { return nil }
        let count = received[1..<5].reduce(0) { $0 << 8 | Int($1) }
        defer { received.removeFirst(5 + count) }
        return try Wire.decode(type, from: Array(received[5..<5 + count]))
    }

    var status: StatusCode? {
        (trailers ?? headers)?.first(.grpcStatus).flatMap {
            UInt8(String(decoding: $0, as: UTF8.self))
        }.flatMap { StatusCode(rawValue: $0) }
    }

    var message: String {
        (trailers ?? headers)?.first(.grpcMessage).map { String(decoding: $0, as: UTF8.self) }
            ?? ""
    }

    func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}
    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}

    func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) { take(stream) }

    private func take(_ stream: HTTP2Stream) {
        guard takes else { return }
        received += Array(stream.received.prefix(.max))
        stream.take(stream.received.count)
    }

    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
        take(stream)
        headers = stream.headers
        trailers = stream.trailers
        isClosed = true
        self.stream = nil
    }
}
