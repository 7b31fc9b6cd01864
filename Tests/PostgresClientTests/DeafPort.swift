import Glibc
import PostgresClient
import Testing

/// A network port of this machine that is kept for a test: nobody listens there, or someone who says
/// nothing.
final class DeafPort {
    private let descriptor: Int32
    private let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        try #require(isBound)
    }

    /// Takes connections, and never says a word on them.
    func listen() throws { try #require(Glibc.listen(descriptor, 4) == 0) }

    /// A database there.
    func uri(password: String = "") -> String {
        "hostaddr=127.0.0.1 port=\(port) user=x dbname=x password='\(password)' passfile=/dev/null"
    }

    deinit { close(descriptor) }
}
