import Glibc
import Testing

/// A socket that listens on every address of this machine.
final class HostListener: Sendable {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(isBound)
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    /// Whether somebody takes a connection, tried from this machine itself.
    static func answers(at host: String, port: String) -> Bool {
        let finished = try? ChildProcess.run([
            "/usr/bin/env", "bash", "-c", "exec 3<>/dev/tcp/\(host)/\(port)",
        ])
        return finished?.exitCode == 0
    }
}
