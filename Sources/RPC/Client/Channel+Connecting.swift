public import EventLoops
public import HTTP2
import Logging

extension Channel {
    /// Begins to connect, unless there is a connection, an attempt, or a pause.
    func connectIfNeeded() {
        guard state == .idle else { return }
        state = .connecting
        let bound = LoopBound(self, loop: reactor.loop)
        reactor.loop.execute { loop, _ in
            Task.immediate(executorPreference: loop.executor) {
                _ = loop
                await bound.use { $0 }.connect()
            }
        }
    }

    private func connect() async {
        var failures: [String] = []
        do {
            let addresses = try await HostLookup.addresses(of: host, port: port, on: workers)
            for address in addresses where state == .connecting {
                do {
                    try await connect(to: address)
                    return
                } catch {
                    failures.append("\(address): \(error)")
                }
            }
        } catch {
            failures.append("\(error)")
        }
        guard state == .connecting else { return }
        failed(failures.joined(separator: "; "))
    }

    /// Connects to one address and waits for the server's SETTINGS.
    private func connect(to address: SocketAddress) async throws {
        let socket = try SocketStream.connecting(to: address)
        let connection: Connection
        do {
            connection = try Connection(
                over: makeStream.map { try $0(socket) } ?? socket, role: .client, peer: address,
                limits: limits.connection, reactor: reactor, buffers: buffers, delegate: self)
        } catch {
            socket.close()
            throw error
        }
        let wakeup = Wakeup(reactor)
        arriving = wakeup
        defer { arriving = nil }
        try connection.start()
        let timer = reactor.schedule(after: limits.connectTimeMax) { [limits] in
            connection.abandon(because: .slowPreface(limits.connectTimeMax))
        }
        defer { timer.cancel() }
        while !connection.hasPeerSettings, !connection.isClosed, connection.failure == nil {
            try await wakeup.wait()
        }
        if let failure = connection.failure { throw failure }
        guard state == .connecting else { return connection.abandon() }
        current = connection
        state = .ready
        lastFailure = nil
        logger.debug("connected", metadata: ["server": "\(authority)", "address": "\(address)"])
        watchForSilence()
        wakeWaiting()
    }

    private func failed(_ reasons: String) {
        lastFailure = RPCStatus(.unavailable, "cannot connect to \(authority): \(reasons)")
        state = .failing
        let pause = backoff.next()
        logger.info(
            "cannot connect",
            metadata: ["server": "\(authority)", "reason": "\(reasons)", "pause": "\(pause)"])
        retryTimer = reactor.schedule(after: pause) { [weak self] in
            guard let self, state == .failing else { return }
            state = .idle
            if !waiting.isEmpty { connectIfNeeded() }
        }
        wakeWaiting()
    }

    // MARK: Signs of life

    /// Asks a silent connection for a sign of life, and gives it up when none comes.
    private func watchForSilence() {
        guard let interval = limits.keepaliveTime, let connection = current else { return }
        keepaliveTimer?.cancel()
        let quiet = connection.lastReadAt.duration(to: .now())
        let pause = max(interval - quiet, .milliseconds(1))
        keepaliveTimer = reactor.schedule(after: pause) { [weak self, weak connection] in
            guard let self, let connection, connection === current else { return }
            let isQuiet = connection.lastReadAt.advanced(by: interval) <= Instant.now()
            guard isQuiet, limits.keepaliveWithoutCalls || connection.openStreams > 0 else {
                return watchForSilence(again: interval)
            }
            ask(connection)
        }
    }

    private func watchForSilence(again interval: Duration) {
        keepaliveTimer = reactor.schedule(after: interval / 2) { [weak self] in
            self?.watchForSilence()
        }
    }

    private func ask(_ connection: Connection) {
        let before = connection.lastReadAt
        connection.ping()
        keepaliveTimer = reactor.schedule(after: limits.keepaliveTimeout) {
            [weak self, weak connection] in
            guard let self, let connection else { return }
            if connection.lastReadAt == before {
                connection.abandon(because: .silent(limits.keepaliveTimeout))
            } else {
                watchForSilence()
            }
        }
    }
}

extension Channel: ConnectionDelegate {
    /// A server begins no streams.
    public func streamBegan(
        _ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop
    ) {
        stream.reset(.refusedStream)
    }

    /// Its SETTINGS came, or it takes no more calls.
    public func connectionChanged(_ connection: Connection, on loop: isolated EventLoop) {
        arriving?.wake()
        guard connection === current else { return }
        if !connection.takesRequests { retire(connection) }
        wakeWaiting()
    }

    /// It is over.
    public func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {
        arriving?.wake()
        retiring.removeAll { $0 === connection }
        if connection === current {
            current = nil
            lost()
        }
        wakeWaiting()
    }

    /// Its calls may end on it; the next one gets a new connection.
    private func retire(_ connection: Connection) {
        current = nil
        if connection.openStreams > 0 {
            retiring.append(connection)
        } else {
            connection.end(.noError, reason: "")
        }
        lost()
    }

    private func lost() {
        keepaliveTimer?.cancel()
        if state == .ready { state = .idle }
    }
}
