import EventLoops
import Glibc
import TestSupport

@testable import HTTP2

/// A client that sends any bytes and reads frames, for what no library would send. Non-blocking, on
/// the server's own loop.
final class RawClient {
    struct Frame {
        let type: UInt8
        let flags: UInt8
        let streamID: Int32
        let payload: [UInt8]

        /// The error code of RST_STREAM or GOAWAY.
        var code: UInt32 {
            let place = type == FrameType.goAway ? 4 : 0
            return payload[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }

        /// What GOAWAY says beside its code.
        var text: String { String(decoding: payload.dropFirst(8), as: UTF8.self) }

        /// The last stream that GOAWAY says is served.
        var lastStreamID: UInt32 { payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
    }

    private let stream: SocketStream
    private let reactor: Reactor
    private var input: [UInt8] = []
    private(set) var isEnded = false

    init(_ address: SocketAddress, _ reactor: Reactor, greets: Bool = true) throws {
        stream = try SocketStream.connecting(to: address)
        self.reactor = reactor
        if greets { output = Frames.preface + Frames.settings() }
    }

    deinit { stream.close() }

    private var output: [UInt8] = []

    /// Sends all of `bytes`, while the other end may run.
    func send(_ bytes: [UInt8]) async throws {
        output += bytes
        while !output.isEmpty {
            let outcome = output.withUnsafeBytes { stream.write($0) }
            switch outcome {
            case .moved(let count): output.removeFirst(count)
            case .blocked: try await reactor.sleep(for: .milliseconds(1))
            case .ended, .failed:
                output = []
                return
            }
        }
    }

    /// The next frame, or nil when the server has closed or nothing came in many turns of the loop, for
    /// ten seconds at least.
    func next() async throws -> Frame? {
        for _ in 0..<10_000 {
            if let frame = cut() { return frame }
            if isEnded { return nil }
            read()
            // Also when a part is there: the rest is written by this loop.
            if !isEnded, !hasFrame { try await reactor.sleep(for: .milliseconds(1)) }
        }
        return nil
    }

    /// The next frame of `type`; others are dropped.
    func next(_ type: UInt8) async throws -> Frame? {
        while let frame = try await next() {
            if frame.type == type { return frame }
        }
        return nil
    }

    /// Whether the server closes within `limit`, which is long where it shall; what it still sends is
    /// dropped.
    func isClosed(within limit: Duration = .seconds(30)) async throws -> Bool {
        let end = Instant.now().advanced(by: limit)
        while Instant.now() < end {
            read()
            if isEnded { return true }
            try await reactor.sleep(for: .milliseconds(2))
        }
        return false
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let outcome = buffer.withUnsafeMutableBytes { stream.read(into: $0) }
        switch outcome {
        case .moved(let count): input += buffer[..<count]
        case .blocked: break
        case .ended, .failed: isEnded = true
        }
    }

    /// The length of the next frame's payload.
    private var payloadBytes: Int { Int(input[0]) << 16 | Int(input[1]) << 8 | Int(input[2]) }
    private var hasFrame: Bool { input.count >= 9 && input.count >= 9 + payloadBytes }

    private func cut() -> Frame? {
        guard hasFrame else { return nil }
        let count = payloadBytes
        let id = input[5..<9].reduce(Int32(0)) { $0 << 8 | Int32($1) }
        let frame = Frame(
            type: input[3], flags: input[4], streamID: id, payload: Array(input[9..<9 + count]))
        input.removeFirst(9 + count)
        return frame
    }
}

enum FrameType {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
}

/// Bytes of frames.
enum Frames {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ type: UInt8, _ flags: UInt8, _ id: Int32, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        return [
            UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags,
        ] + number(UInt32(id)) + payload
    }

    static func number(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func settings(_ entries: [(UInt16, UInt32)] = []) -> [UInt8] {
        frame(
            FrameType.settings, 0, 0,
            entries.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + number($0.1) })
    }

    static func ping() -> [UInt8] { frame(FrameType.ping, 0, 0, Array(repeating: 7, count: 8)) }

    static func reset(_ id: Int32, _ code: UInt32) -> [UInt8] {
        frame(FrameType.reset, 0, id, number(code))
    }

    /// A POST request's header section in one frame, fields spelled out; 1 ends the stream.
    static func request(_ id: Int32, flags: UInt8 = 5, _ extra: [(String, String)] = []) -> [UInt8]
    {
        frame(FrameType.headers, flags, id, block(extra))
    }

    /// A header section that ends a stream.
    static func trailers(_ id: Int32) -> [UInt8] {
        frame(FrameType.headers, 5, id, field("a", "b"))
    }

    static func block(_ extra: [(String, String)] = []) -> [UInt8] {
        // Static table: 3 is ":method POST", 6 is ":scheme http", 4 is ":path /", 1 is ":authority".
        [0x83, 0x86, 0x84, 0x01, 1, UInt8(ascii: "a")] + extra.flatMap { field($0.0, $0.1) }
    }

    /// A field without indexing, name and value in plain.
    static func field(_ name: String, _ value: String) -> [UInt8] {
        [0x00] + text(name) + text(value)
    }

    private static func text(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
        var rest = bytes.count - 127
        var length: [UInt8] = [127]
        while rest >= 128 {
            length.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return length + [UInt8(rest)] + bytes
    }
}
