import Glibc
import Synchronization

/// Answers on a unix socket with whatever bytes a test wants, at its own pace.
final class FakeEngine: Sendable {
    /// What is done for one request, in order.
    enum Step: Sendable {
        /// Sends bytes as they are.
        case send([UInt8])
        /// Sends bytes one write each.
        case dribble([UInt8])
        /// Sends bytes again and again until the peer is gone or the number of bytes is reached.
        case flood([UInt8], total: Int)
        /// Waits for a signal of the test, or for the peer to go.
        case wait(Signal)
        /// Tells the test.
        case tell(Signal)
        /// Closes the connection.
        case close
    }

    let path: String
    private let listener: Int32
    private let heads = Mutex<[String]>([])
    private let answer: @Sendable (String) -> [Step]

    /// The heads of all requests so far, bodies included.
    var requests: [String] { heads.withLock { $0 } }

    /// - Parameter answer: The steps for a request, of which it gets head and body.
    init(_ answer: @escaping @Sendable (String) -> [Step]) throws {
        var template = Array("/tmp/berth-fake-engine-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FakeEngineFailed() }
        path =
            String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            + "/s"
        self.answer = answer
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(self.listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0, listen(listener, 64) == 0 else { throw FakeEngineFailed() }
        let accepting = listener
        startTestThread { [weak self] in
            while true {
                let connection = accept(accepting, nil, nil)
                guard connection >= 0, let self else { return }
                startTestThread { self.serve(connection) }
            }
        }
    }

    deinit {
        // Wakes accept.
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        unlink(path)
        rmdir(String(path.dropLast(2)))
    }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var pending: [UInt8] = []
        while let request = nextRequest(connection, &pending) {
            heads.withLock { $0.append(request) }
            for step in answer(request) {
                guard perform(step, connection) else { return }
            }
        }
    }

    private func nextRequest(_ connection: Int32, _ pending: inout [UInt8]) -> String? {
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let text = String(decoding: pending, as: UTF8.self)
            if let end = text.firstRange(of: "\r\n\r\n") {
                let length = text[..<end.lowerBound].split(separator: "\r\n").compactMap { line in
                    line.lowercased().hasPrefix("content-length: ")
                        ? Int(line.dropFirst("content-length: ".count)) : nil
                }
                let headBytes = text[..<end.upperBound].utf8.count
                let total = headBytes + (length.first ?? 0)
                if pending.count >= total {
                    let request = String(decoding: pending[..<total], as: UTF8.self)
                    pending.removeFirst(total)
                    return request
                }
            }
            let count = read(connection, &chunk, chunk.count)
            guard count > 0 else { return nil }
            pending += chunk[..<count]
        }
    }

    private func perform(_ step: Step, _ connection: Int32) -> Bool {
        switch step {
        case .send(let bytes): return write(bytes, connection)
        case .dribble(let bytes): return bytes.allSatisfy { write([$0], connection) }
        case .flood(let bytes, let total):
            var sent = 0
            while sent < total {
                guard write(bytes, connection) else { return false }
                sent += bytes.count
            }
            return true
        case .wait(let signal): return signal.wait(orEndOf: connection)
        case .tell(let signal):
            signal.set()
            return true
        case .close: return false
        }
    }

    private func write(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    connection, buffer.baseAddress.map { $0 + sent }, buffer.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}

struct FakeEngineFailed: Error {}

/// Something that a test and a fake engine tell each other once.
final class Signal: Sendable {
    private let ends: (read: Int32, write: Int32)
    private let isSetFlag = Atomic<Bool>(false)

    init() {
        var pair: [Int32] = [-1, -1]
        _ = pipe(&pair)
        ends = (pair[0], pair[1])
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    var isSet: Bool { isSetFlag.load(ordering: .acquiring) }

    func set() {
        isSetFlag.store(true, ordering: .releasing)
        _ = write(ends.write, [1] as [UInt8], 1)
    }

    /// Waits in the calling thread; false when the peer of that connection went first.
    func wait(orEndOf connection: Int32) -> Bool {
        // Of the connection only its end is told, which is always.
        var watched = [
            pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0),
            pollfd(fd: connection, events: 0, revents: 0),
        ]
        poll(&watched, 2, -1)
        return watched[0].revents & Int16(POLLIN) != 0
    }
}

/// Runs `body` on a detached thread.
private func startTestThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let code = pthread_create(
        &thread, nil,
        { argument in
            if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    if code == 0 { pthread_detach(thread) } else { box.release() }
}
