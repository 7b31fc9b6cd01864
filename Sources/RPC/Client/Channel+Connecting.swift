import EventLoops
import HTTP2
import Logging

extension Channel {
    /// Begins to connect, unless there is a connection, an attempt, or a pause.
    func connect() {
        guard attempt == nil, pauseTimer == nil, current == nil, state != .closed else { return }
        nextAttempt = Instant.now().advanced(by: pauses.next())
        let setting = ConnectAttempt.Setting(
            host: host, port: port, authority: authority, makeStream: makeStream,
            limits: limits.ofConnection, keepalive: keepalive, reactor: reactor, workers: workers,
            buffers: buffers)
        let attempt = ConnectAttempt(setting) { [weak self] result in
            guard let self else { return }
            self.attempt = nil
            switch result {
            case .success(let connection): connected(connection)
            case .failure(let status): failed(status)
            }
        }
        self.attempt = attempt
        state = .connecting
        attempt.start()
    }

    private func connected(_ connection: ClientConnection) {
        current = connection
        connectionsMade += 1
        connection.changed = { [weak self] in self?.connectionChanged($0) }
        outage = nil
        state = .ready
        pump()
    }

    /// No attempt begins before its time; calls that do not wait so long fail.
    private func failed(_ status: RPCStatus) {
        logger.info("cannot connect", metadata: ["reason": "\(status.message)"])
        outage = status
        state = .failing
        pauseTimer = reactor.schedule(at: nextAttempt) { [weak self] in
            guard let self else { return }
            pauseTimer = nil
            if waiting.isEmpty { state = .idle } else { connect() }
        }
        for call in waiting where !call.options.waitsForReady { call.fail(status) }
    }

    private func connectionChanged(_ connection: ClientConnection) {
        if connection.isClosed {
            connection.changed = nil
            retired.removeAll { $0 === connection }
        }
        if connection === current, connection.isRetired { retire(connection) }
        if connection !== current, connection.openStreams == 0 { connection.end() }
        pump()
    }

    /// Gives no more calls to the connection; those on it may end there.
    func retire(_ connection: ClientConnection) {
        guard connection === current else { return }
        current = nil
        if !connection.isClosed {
            retired.append(connection)
            if connection.openStreams == 0 { connection.end() }
        }
        logger.debug(
            "connection over",
            metadata: ["server": "\(authority)", "cause": "\(connection.cause)"])
        heed(connection)
        guard state != .closed else { return }
        if connection.callsBegun == 0, !waiting.isEmpty {
            // It was of no use: the next attempt keeps the distance of one that failed.
            let text = "the connection to \(connection.address) was lost: \(connection.cause)"
            failed(RPCStatus(.unavailable, text))
        } else {
            state = .idle
        }
    }

    /// A server that finds so many PINGs too much gets half as many (gRPC, "Keepalive").
    private func heed(_ connection: ClientConnection) {
        guard connection.goAway?.code == .enhanceYourCalm, let time = keepalive?.time else {
            return
        }
        keepalive?.time = time * 2
        logger.warning(
            "the server refuses so many PINGs",
            metadata: ["server": "\(authority)", "keepaliveTime": "\(time * 2)"])
    }
}
