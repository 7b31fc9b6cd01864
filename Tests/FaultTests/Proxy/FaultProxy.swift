import EventLoops
import Glibc

/// Stands between berthd and PostgreSQL, unix socket to unix socket, and does to the connection what
/// a network, a crash or an administrator would, at a message of our choice.
final class FaultProxy: ReadinessHandler {
    /// What to give libpq as `host`.
    let folder: String
    private let reactor: Reactor
    private let serverPath: String
    private let descriptor: Int32
    private var watch: Watch?

    /// What the next messages run into.
    var trap: Trap?
    /// Whether sessions that begin from now on pass nothing on until they are released.
    var holdsNewSessions = false
    /// Whether requests to cancel wait until they are released.
    var holdsCancelRequests = false
    private(set) var connections: [ProxiedConnection] = []
    /// How many requests to cancel came through.
    private(set) var cancelRequests = 0
    /// Backends whose connection has ended and who may still be at work.
    private var leavingBackends: [Int32] = []

    private static let socketName = ".s.PGSQL.5432"

    /// Listens in a folder of its own.
    ///
    /// - Parameter serverFolder: Where PostgreSQL has its socket.
    init(serverFolder: String, reactor: Reactor) throws {
        self.reactor = reactor
        serverPath = "\(serverFolder)/\(FaultProxy.socketName)"
        var template = Array("/tmp/berth-test-proxy-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SocketFailed(function: "mkdtemp", code: errno)
        }
        folder = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        descriptor = try UnixSocket.listen(at: "\(folder)/\(FaultProxy.socketName)")
        watch = try reactor.watch(descriptor, for: .readable, handler: self)
    }

    /// Cuts every connection and takes no more.
    func close() {
        guard let watch else { return }
        self.watch = nil
        reactor.stopWatching(watch)
        _ = Glibc.close(descriptor)
        cutAll()
        unlink("\(folder)/\(FaultProxy.socketName)")
        rmdir(folder)
    }

    func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
        while let client = UnixSocket.accept(descriptor) {
            guard let server = try? UnixSocket.connect(to: serverPath) else {
                _ = Glibc.close(client)
                continue
            }
            guard
                let connection = try? ProxiedConnection(
                    client: client, server: server, proxy: self, reactor: reactor)
            else { continue }
            connections.append(connection)
        }
    }

    // MARK: Faults

    /// Holds every session, those to come as well; requests to cancel pass.
    func holdAll() {
        holdsNewSessions = true
        for connection in connections { connection.hold() }
    }

    func cutAll() {
        for connection in connections { connection.cut() }
    }

    /// Lets everything that is held go on.
    func releaseAll() {
        holdsNewSessions = false
        holdsCancelRequests = false
        for connection in connections { connection.release() }
    }

    // MARK: What connections tell

    func ended(_ connection: ProxiedConnection) {
        connections.removeAll { $0 === connection }
        guard let process = connection.backendProcess else { return }
        leavingBackends.append(process)
    }

    func cancelRequested(_ connection: ProxiedConnection) {
        cancelRequests += 1
        if holdsCancelRequests { connection.hold() }
    }

    /// Waits until no backend is at work whose connection has ended: only then is it certain what
    /// was committed.
    func settle() async throws {
        while let process = leavingBackends.last {
            if kill(process, 0) != 0 {
                leavingBackends.removeLast()
            } else {
                try await reactor.sleep(for: .milliseconds(1))
            }
        }
    }
}
