import EventLoops
import HTTP2

/// Puts something between a socket and HTTP/2, such as TLS.
typealias MakeByteStream = (SocketStream) throws -> any ByteStream

/// One connection of a channel: tells when it is ready, probes it when it is silent, and says why it
/// ended.
final class ClientConnection: ConnectionDelegate {
    /// Where it leads.
    var address: SocketAddress { http2.peer }
    /// Called when the server's SETTINGS came or changed, when the connection takes no more calls,
    /// when a stream became free, and when it is over.
    var changed: ((ClientConnection) -> Void)?
    /// How many calls were begun on it.
    private(set) var callsBegun = 0

    let http2: Connection
    private var keepalive: KeepaliveProbe?
    private var isSpent = false

    /// Takes over a socket that is connected or about to be; closes it when it throws.
    /// - Throws: What `makeStream` throws, `HTTP2Error`, `SystemError`.
    init(
        over socket: SocketStream, to address: SocketAddress, makeStream: MakeByteStream?,
        limits: ConnectionLimits, keepalive rule: Keepalive?, reactor: Reactor, buffers: LoopBuffers
    ) throws {
        do {
            let stream: any ByteStream =
                if let makeStream { try makeStream(socket) } else { socket }
            http2 = try Connection(
                over: stream, role: .client, peer: address, limits: limits,
                reactor: reactor, buffers: buffers, delegate: nil)
        } catch {
            socket.close()
            throw error
        }
        if let rule {
            keepalive = KeepaliveProbe(rule, of: http2, reactor: reactor)
        }
        http2.delegate = self
        try http2.start()
    }

    /// Says goodbye unless that was done; the connection lives until it is sent.
    deinit { end() }

    /// Whether the server's SETTINGS have come.
    var isReady: Bool { http2.hasPeerSettings }
    /// Whether calls may be begun, now or when a stream becomes free.
    var takesCalls: Bool { isReady && http2.takesRequests && !isSpent }
    /// Whether a call may be begun now.
    var hasRoom: Bool { takesCalls && http2.openStreams < http2.peerStreamsMax }
    /// Whether it is over, or about to be, or going away.
    var isRetired: Bool { !http2.takesRequests || isSpent }
    /// Whether it is over.
    var isClosed: Bool { http2.isClosed }
    /// How many calls run on it.
    var openStreams: Int { http2.openStreams }
    /// Who follows its streams.
    var observers: [any StreamObserver] { http2.observers }
    /// The server's last GOAWAY.
    var goAway: GoAway? { http2.goAway }

    /// Why the connection is over, in words; what the server said before it included.
    var cause: String {
        let failure = http2.failure.map { "\($0)" } ?? "it is over"
        guard let goAway = http2.goAway else { return failure }
        let text = goAway.debugText.isEmpty ? "" : " \"\(goAway.debugText)\""
        return "\(failure), after GOAWAY \(goAway.code.name)\(text)"
    }

    /// Begins a call.
    /// - Throws: `HTTP2Error`, as when the stream ids are used up; the connection is retired then.
    func begin(_ headers: HeaderBlock) throws(HTTP2Error) -> HTTP2Stream {
        do {
            let stream = try http2.request(headers, isEnd: false, observer: nil)
            callsBegun += 1
            keepalive?.callBegan()
            return stream
        } catch {
            isSpent = true
            throw error
        }
    }

    /// A call's stream is over.
    func streamEnded() { changed?(self) }

    /// Says goodbye and closes.
    func end() { http2.end(.noError, reason: "") }

    /// Closes at once.
    func abandon() { http2.abandon() }

    // MARK: What the connection tells

    func streamBegan(_ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop) {}

    func connectionChanged(_ connection: Connection, on loop: isolated EventLoop) {
        if isReady { keepalive?.start() }
        changed?(self)
    }

    func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {
        keepalive?.stop()
        changed?(self)
    }
}
