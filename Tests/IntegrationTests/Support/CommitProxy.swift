import Foundation
import Glibc
import TestSupport

/// Stands between Berth and PostgreSQL and forges the answer to COMMIT.
///
/// PostgreSQL itself does commit. Threads that block: a test's proxy has no need of a loop.
final class CommitProxy: Sendable {
    enum Forgery: Sendable {
        /// COMMIT is answered as if the transaction had been rolled back.
        case answersRollback
        /// The connection ends just before the answer to COMMIT.
        case cuts
    }

    /// For `host=` in a connection URI.
    let folder: String
    private let listener: Int32
    private let target: String
    private let forgery: Forgery

    init(_ forgery: Forgery, target cluster: TestPostgres) throws {
        self.forgery = forgery
        target = "\(cluster.socketFolder)/.s.PGSQL.\(cluster.port)"
        var template = Array("/tmp/berth-test-proxy-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SocketFailed(call: "mkdtemp") }
        folder = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        listener = CommitProxy.socket("\(folder)/.s.PGSQL.\(cluster.port)") { bind($0, $1, $2) }
        guard listener >= 0, listen(listener, 16) == 0 else { throw SocketFailed(call: "listen") }
        Thread.detachNewThread { [listener, target] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                let server = CommitProxy.socket(target) { connect($0, $1, $2) }
                Thread.detachNewThread { CommitProxy.copy(client, server) }
                Thread.detachNewThread { CommitProxy.forge(server, client, forgery) }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func socket(
        _ path: String, _ attach: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                attach(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return outcome == 0 ? descriptor : -1
    }

    /// From the client to the server, as it comes.
    private static func copy(_ from: Int32, _ to: Int32) {
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(from, &chunk, chunk.count)
            guard count > 0, send(chunk[..<count], to) else { break }
        }
        shutdown(to, Int32(SHUT_WR))
    }

    /// From the server to the client, message by message (PostgreSQL manual, "Message Formats").
    private static func forge(_ from: Int32, _ to: Int32, _ forgery: Forgery) {
        let commit = Array("COMMIT\0".utf8)
        while let head = receive(5, from) {
            let length = head[1...].reduce(0) { $0 << 8 | Int($1) }
            guard var body = receive(length - 4, from) else { break }
            if head[0] == UInt8(ascii: "C"), body == commit {
                guard forgery == .answersRollback else { break }
                body = Array("ROLLBACK\0".utf8)
            }
            let size = UInt32(body.count + 4)
            let newHead =
                [head[0]] + (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) }
            guard send((newHead + body)[...], to) else { break }
        }
        shutdown(to, Int32(SHUT_RDWR))
    }

    private static func receive(_ count: Int, _ from: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: max(count, 1))
        while bytes.count < count {
            let got = read(from, &chunk, count - bytes.count)
            guard got > 0 else { return nil }
            bytes += chunk[..<got]
        }
        return bytes
    }

    private static func send(_ bytes: ArraySlice<UInt8>, _ to: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                Glibc.send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}

/// A system call of the proxy that failed.
struct SocketFailed: Error {
    let call: String
}
