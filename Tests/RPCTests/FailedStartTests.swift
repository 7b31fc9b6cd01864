import EventLoops
import Glibc
import HTTP2
import Testing

@testable import RPC

/// Connections that cannot be watched.
@Suite struct FailedStartTests {
    @Test("a socket that cannot be watched is closed once: its number is somebody else's then")
    func closedOnce() async throws {
        try await withEcho { server, _ in
            var streams: [UnwatchableStream] = []
            let address = try server.server.listen(on: #require(SocketAddress("127.0.0.1:0"))) {
                let stream = UnwatchableStream($0)
                streams.append(stream)
                return stream
            }
            // Another thread of this process may be faster to take the number.
            while streams.count < 50, streams.last?.hasNumberAgain != true {
                let seen = streams.count
                let client = try SocketStream.connecting(to: address)
                try await server.reactor.until("it was refused") { streams.count > seen }
                client.close()
            }
            let stream = try #require(streams.last)
            #expect(stream.closes == 1)
            #expect(stream.hasNumberAgain)
            #expect(stream.isUntouched, "another's descriptor was closed")
        }
    }
}

/// A stream that epoll refuses, and that takes its socket's number again as soon as it is free.
private final class UnwatchableStream: ByteStream {
    private let socket: SocketStream
    private var taken: Int32 = -1
    private(set) var closes = 0

    init(_ socket: SocketStream) { self.socket = socket }

    deinit { if taken >= 0 { _ = Glibc.close(taken) } }

    var number: Int32 { socket.descriptor }
    var hasNumberAgain: Bool { taken == number }
    /// Whether the number still stands for what took it, and not for what another thread opened.
    var isUntouched: Bool {
        var null = stat()
        var found = stat()
        return stat("/dev/null", &null) == 0 && fstat(number, &found) == 0
            && found.st_rdev == null.st_rdev && found.st_ino == null.st_ino
    }
    var descriptor: Int32 { -1 }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteStreamOutcome { .ended }
    func write(_ bytes: UnsafeRawBufferPointer) -> ByteStreamOutcome { .ended }
    func endWriting() {}

    func close() {
        socket.close()
        closes += 1
        taken = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    }
}
