import EventLoops
import Glibc
import HTTP2

/// A gRPC client on the test's own loop that can send anything as a call's body.
final class CallingClient: ConnectionDelegate {
    private let reactor: Reactor
    let port: UInt16
    private let buffers = LoopBuffers()
    private var connection: Connection?

    init(port: UInt16, reactor: Reactor) {
        self.port = port
        self.reactor = reactor
    }

    /// Begins a call.
    ///
    /// - Parameters:
    ///   - path: Such as `/grpc.health.v1.Health/Check`.
    ///   - body: The bytes of the request, message prefixes included.
    ///   - timeout: Sent as `grpc-timeout`, in milliseconds.
    ///   - isEnded: Whether nothing comes after the body.
    func begin(
        _ path: String, body: [UInt8], token: String? = nil, timeout: Duration? = nil,
        headers: KeyValuePairs<StaticString, String> = [:], isEnded: Bool = true
    ) throws -> OutgoingCall {
        var block = HeaderBlock()
        block.append(":method", "POST")
        block.append(":scheme", "http")
        block.append(":path", Array(path.utf8))
        block.append(":authority", "127.0.0.1")
        block.append("te", "trailers")
        block.append("content-type", "application/grpc")
        if let token { block.append("authorization", Array("Bearer \(token)".utf8)) }
        if let timeout {
            let milliseconds = timeout.nanosecondsClamped / 1_000_000
            block.append("grpc-timeout", Array("\(milliseconds)m".utf8))
        }
        for (name, value) in headers { block.append(name, Array(value.utf8)) }
        let call = OutgoingCall(reactor: reactor)
        let stream = try connected().request(block, isEnd: false, observer: call)
        call.stream = stream
        stream.write(body.span)
        if isEnded { stream.finish(trailers: nil) }
        return call
    }

    /// Ends the connection, and with it the calls that run.
    func close() {
        connection?.abandon()
        connection = nil
    }

    private func connected() throws -> Connection {
        if let connection, !connection.isClosed { return connection }
        var limits = ConnectionLimits()
        limits.queuedBytesPerConnectionHardMax = 1 << 30
        guard let peer = SocketAddress(host: "127.0.0.1", port: port) else {
            throw SocketFailed(function: "SocketAddress", code: EINVAL)
        }
        let connection = try Connection(
            over: SocketStream(descriptor: try connectSocket()), role: .client, peer: peer,
            limits: limits, reactor: reactor, buffers: buffers, delegate: self)
        try connection.start()
        self.connection = connection
        return connection
    }

    private func connectSocket() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketFailed(function: "socket", code: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let failure = SocketFailed(function: "connect", code: errno)
            _ = Glibc.close(descriptor)
            throw failure
        }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var one: Int32 = 1
        setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one,
            socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    func streamBegan(_ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop) {}

    func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {
        if self.connection === connection { self.connection = nil }
    }
}
