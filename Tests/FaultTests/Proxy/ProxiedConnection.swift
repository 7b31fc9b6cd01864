import EventLoops
import Glibc

/// One connection of berthd through the proxy: passes messages on one by one, until a fault.
final class ProxiedConnection {
    private unowned let proxy: FaultProxy
    private let client: Endpoint
    private let server: Endpoint
    private var fromClient = MessageSplitter(isFrontend: true)
    private var fromServer = MessageSplitter(isFrontend: false)
    /// The second half of a message in which a trap sprang.
    private var halves: [Direction: [UInt8]] = [:]
    private var isPassingOn = false

    /// The process of the backend, once it said.
    private(set) var backendProcess: Int32?
    /// Whether PostgreSQL had said that it is ready before the message that passes now.
    private(set) var hasServed = false
    private var isReady = false
    /// Whether nothing passes, in either direction.
    private(set) var isHeld = false
    /// Whether ``isHeld`` ends when the server hangs up.
    var isReleasedByServersEnd = false
    /// Whether berthd's own end is kept from the server while nothing passes, as by a network that
    /// is cut.
    var hidesClientsEnd = false

    init(client: Int32, server: Int32, proxy: FaultProxy, reactor: Reactor) throws {
        self.proxy = proxy
        self.client = try Endpoint(client, reactor: reactor)
        self.server = try Endpoint(server, reactor: reactor)
        self.client.received = { [unowned self] in received($0, .frontend) }
        self.server.received = { [unowned self] in received($0, .backend) }
    }

    var isClosed: Bool { client.isClosed && server.isClosed }

    // MARK: Faults

    /// Closes both sides at once.
    func cut() {
        guard !isClosed else { return }
        client.close()
        server.close()
        proxy.ended(self)
    }

    /// Passes nothing on until ``release()``.
    func hold() { isHeld = true }

    /// Passes on what waited and what comes.
    func release() {
        guard isHeld, !isClosed else { return }
        isHeld = false
        passOn()
    }

    /// Sends the backend a signal.
    func signalBackend(_ signal: Int32) {
        if let backendProcess { kill(backendProcess, signal) }
    }

    // MARK: Passing on

    private func received(_ bytes: ArraySlice<UInt8>, _ direction: Direction) {
        switch direction {
        case .frontend: fromClient.append(bytes)
        case .backend: fromServer.append(bytes)
        }
        if bytes.isEmpty, isHeld { endedWhileHeld(direction) }
        passOn()
    }

    private func endedWhileHeld(_ direction: Direction) {
        switch direction {
        case .backend:
            if isReleasedByServersEnd { release() }
        case .frontend:
            if !hidesClientsEnd { cut() }
        }
    }

    private func passOn() {
        // A trap's action may call back.
        guard !isPassingOn else { return }
        isPassingOn = true
        for direction in Direction.allCases { pass(direction) }
        isPassingOn = false
        guard !isHeld, !isClosed, client.isInputEnded, server.isInputEnded else { return }
        cut()
    }

    private func pass(_ direction: Direction) {
        let source = direction == .frontend ? client : server
        let sink = direction == .frontend ? server : client
        guard !isHeld, !isClosed else { return }
        if let half = halves.removeValue(forKey: direction) { sink.write(half) }
        while !isHeld, !isClosed, let message = next(direction) {
            look(at: message, direction)
            guard !isHeld else {
                halves[direction] = message.bytes
                return
            }
            switch proxy.trap?.note(message, direction, on: self) {
            case nil:
                sink.write(message.bytes)
            case .before:
                halves[direction] = message.bytes
                spring()
            case .middle:
                let half = message.bytes.count / 2
                sink.write(Array(message.bytes[..<half]))
                halves[direction] = Array(message.bytes[half...])
                spring()
            case .after:
                sink.write(message.bytes)
                spring()
            }
            if !isHeld, let half = halves.removeValue(forKey: direction) { sink.write(half) }
        }
        guard !isHeld, source.isInputEnded else { return }
        sink.write(direction == .frontend ? fromClient.rest() : fromServer.rest())
        sink.endWriting()
    }

    private func next(_ direction: Direction) -> ProtocolMessage? {
        direction == .frontend ? fromClient.next() : fromServer.next()
    }

    private func look(at message: ProtocolMessage, _ direction: Direction) {
        hasServed = isReady
        if direction == .backend, message.type == "Z" { isReady = true }
        if let process = message.backendProcess { backendProcess = process }
        switch message.type {
        case ProtocolMessage.startup: if proxy.holdsNewSessions { hold() }
        case ProtocolMessage.cancelRequest: proxy.cancelRequested(self)
        default: break
        }
    }

    private func spring() { proxy.trap?.spring(on: self) }
}
