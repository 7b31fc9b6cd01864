public import EventLoops
public import HTTP2

/// Answers `GET /metrics` over HTTP/1.1, one request a connection, on a listener of its own.
///
/// Not for strangers: the address shall be one that only the collector reaches.
public final class MetricsServer {
    private let reactor: Reactor
    private let collect: () async -> [MetricFamily]
    private var listener: Listener?
    private var exchanges: [ObjectIdentifier: MetricsExchange] = [:]

    /// Collectors that may ask at once; further connections are closed as they come.
    static let connectionsMax = 16

    /// Makes a server that does not listen yet.
    ///
    /// - Parameter collect: Gives the families of the moment; called on the loop, once a request.
    public init(reactor: Reactor, collect: @escaping () async -> [MetricFamily]) {
        self.reactor = reactor
        self.collect = collect
    }

    /// Listens.
    /// - Returns: The address in use.
    /// - Throws: `SystemError`.
    public func listen(on address: SocketAddress) throws(SystemError) -> SocketAddress {
        let listener = try Listener(reactor: reactor, address: address) {
            [unowned self] stream, _ in accept(stream)
        }
        self.listener = listener
        return listener.address
    }

    /// Stops listening and closes what is open.
    public func close() {
        listener?.close()
        listener = nil
        for exchange in exchanges.values { exchange.end() }
    }

    private func accept(_ stream: SocketStream) {
        guard exchanges.count < MetricsServer.connectionsMax else { return stream.close() }
        let exchange = MetricsExchange(stream, reactor: reactor, collect: collect) {
            [weak self] exchange in self?.exchanges[ObjectIdentifier(exchange)] = nil
        }
        exchanges[ObjectIdentifier(exchange)] = exchange
        exchange.start()
    }
}

/// One connection: a request head in, an answer out, and the end.
final class MetricsExchange: ReadinessHandler {
    private let stream: SocketStream
    private let reactor: Reactor
    private let collect: () async -> [MetricFamily]
    private let ended: (MetricsExchange) -> Void
    private var watch: Watch?
    private var timer: LoopTimer?
    private var head: [UInt8] = []
    private var answer: [UInt8] = []
    private var phase = Phase.reading

    private enum Phase { case reading, collecting, writing, ended }

    /// Bytes of a request's head.
    static let headBytesMax = 8 * 1024
    /// How long one exchange may take.
    static let patience: Duration = .seconds(10)

    init(
        _ stream: SocketStream, reactor: Reactor, collect: @escaping () async -> [MetricFamily],
        ended: @escaping (MetricsExchange) -> Void
    ) {
        self.stream = stream
        self.reactor = reactor
        self.collect = collect
        self.ended = ended
    }

    func start() {
        timer = reactor.schedule(after: MetricsExchange.patience) { [weak self] in self?.end() }
        do {
            watch = try reactor.watch(stream.descriptor, for: .readable, handler: self)
        } catch {
            end()
        }
    }

    func end() {
        guard phase != .ended else { return }
        phase = .ended
        timer?.cancel()
        if let watch { reactor.stopWatching(watch) }
        stream.close()
        ended(self)
    }

    func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
        switch phase {
        case .reading: read(on: loop)
        case .writing: write()
        case .collecting: if readiness.contains(.closed) { end() }
        case .ended: break
        }
    }

    private func read(on loop: isolated EventLoop) {
        var buffer = [UInt8](repeating: 0, count: 2048)
        // Safe: the buffer lives during the call and is only written to.
        let outcome = unsafe buffer.withUnsafeMutableBytes { unsafe stream.read(into: $0) }
        switch outcome {
        case .moved(let count): head += buffer[..<count]
        case .blocked: return
        case .ended, .failed: return end()
        }
        guard head.count <= MetricsExchange.headBytesMax else {
            return respond("431 Request Header Fields Too Large", "too large\n")
        }
        guard MetricsExchange.isWhole(head) else { return }
        let line = String(decoding: head.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        let words = line.split(separator: " ")
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else {
            return respond("400 Bad Request", "bad request\n")
        }
        guard words[0] == "GET" else { return respond("405 Method Not Allowed", "GET only\n") }
        guard words[1] == "/metrics" || words[1].hasPrefix("/metrics?") else {
            return respond("404 Not Found", "the metrics are at /metrics\n")
        }
        collectAndRespond(on: loop)
    }

    private func collectAndRespond(on loop: isolated EventLoop) {
        phase = .collecting
        Task.immediate(executorPreference: loop.executor) {
            _ = loop
            let text = PrometheusText.render(await self.collect())
            guard self.phase == .collecting else { return }
            self.respond("200 OK", text, type: PrometheusText.contentType)
        }
    }

    private func respond(_ status: String, _ body: String, type: String = "text/plain") {
        let head =
            "HTTP/1.1 \(status)\r\ncontent-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n"
            + "connection: close\r\n\r\n"
        answer = Array(head.utf8) + Array(body.utf8)
        phase = .writing
        write()
    }

    private func write() {
        while !answer.isEmpty {
            // Safe: the bytes live during the call and are only read.
            let outcome = unsafe answer.withUnsafeBytes { unsafe stream.write($0) }
            guard case .moved(let count) = outcome else {
                guard case .blocked = outcome else { return end() }
                awaitRoom()
                return
            }
            answer.removeFirst(count)
        }
        stream.endWriting()
        end()
    }

    private func awaitRoom() {
        guard let watch else { return }
        do {
            try reactor.update(watch, interest: .writable)
        } catch {
            end()
        }
    }

    /// Whether the head has ended.
    private static func isWhole(_ head: [UInt8]) -> Bool {
        let end: [UInt8] = [13, 10, 13, 10]
        guard head.count >= end.count else { return false }
        for start in 0...(head.count - end.count)
        where head[start..<start + end.count].elementsEqual(end) {
            return true
        }
        return false
    }
}
