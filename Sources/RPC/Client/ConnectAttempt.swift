import EventLoops
import HTTP2

/// One attempt to connect: resolves the target's name on a worker, then tries each address until one
/// has sent its SETTINGS.
final class ConnectAttempt {
    /// What an attempt needs.
    struct Setting {
        let host: String
        let port: UInt16
        /// Both, as the channel's calls name the server.
        let authority: String
        let makeStream: MakeByteStream?
        let limits: ConnectionLimits
        let keepalive: Keepalive?
        let reactor: Reactor
        let workers: WorkerPool
        let buffers: LoopBuffers
    }

    private let setting: Setting
    private var finished: ((Result<ClientConnection, RPCStatus>) -> Void)?
    private var addresses: ArraySlice<SocketAddress> = []
    /// What went wrong at each address so far.
    private var causes: [String] = []
    private var connection: ClientConnection?
    private var timer: LoopTimer?

    /// - Parameter finished: Called once, later than ``start()`` returns.
    init(_ setting: Setting, finished: @escaping (Result<ClientConnection, RPCStatus>) -> Void) {
        self.setting = setting
        self.finished = finished
    }

    deinit { timer?.cancel() }

    /// Begins.
    func start() {
        if let address = SocketAddress(host: setting.host, port: setting.port) {
            addresses = [address]
            timer = setting.reactor.schedule(after: .zero) { [weak self] in self?.tryNext() }
            return
        }
        let limit = setting.limits.prefaceTimeMax
        timer = setting.reactor.schedule(after: limit) { [weak self] in
            guard let self else { return }
            fail("cannot resolve \(setting.host): no answer within \(limit)")
        }
        resolve()
    }

    /// Gives up without a word.
    func cancel() {
        finished = nil
        release()
    }

    private func resolve() {
        let (host, port, workers) = (setting.host, setting.port, setting.workers)
        setting.reactor.begin {
            do {
                self.resolved(try await SocketAddress.all(of: host, port: port, on: workers))
            } catch is WorkerPool.Full {
                self.fail("cannot resolve \(host): the workers' queue is full")
            } catch {
                self.fail("cannot resolve \(error)")
            }
        }
    }

    private func resolved(_ found: [SocketAddress]) {
        guard finished != nil else { return }
        timer?.cancel()
        addresses = found[...]
        tryNext()
    }

    private func tryNext() {
        guard finished != nil else { return }
        guard let address = addresses.popFirst() else {
            return fail("cannot connect to \(setting.authority): \(causes.joined(separator: "; "))")
        }
        do {
            let connection = try ClientConnection(
                over: .connecting(to: address), to: address, makeStream: setting.makeStream,
                limits: setting.limits, keepalive: setting.keepalive, reactor: setting.reactor,
                buffers: setting.buffers)
            self.connection = connection
            connection.changed = { [weak self] in self?.changed($0) }
        } catch {
            note("\(error)", at: address)
            tryNext()
        }
    }

    private func changed(_ connection: ClientConnection) {
        guard let finished else { return }
        if connection.takesCalls {
            connection.changed = nil
            self.connection = nil
            self.finished = nil
            finished(.success(connection))
        } else if connection.isRetired {
            connection.changed = nil
            self.connection = nil
            note(connection.cause, at: connection.address)
            connection.abandon()
            tryNext()
        }
    }

    private func note(_ cause: String, at address: SocketAddress) {
        // A socket says by its first read how connecting went.
        let cause = cause.hasPrefix("recv: ") ? "connect: \(cause.dropFirst(6))" : cause
        let isNamed = "\(address)" != setting.authority
        causes.append(isNamed ? "\(address): \(cause)" : cause)
    }

    private func fail(_ text: String) {
        guard let finished else { return }
        self.finished = nil
        release()
        finished(.failure(RPCStatus(.unavailable, text)))
    }

    private func release() {
        timer?.cancel()
        connection?.changed = nil
        connection?.abandon()
        connection = nil
    }
}
