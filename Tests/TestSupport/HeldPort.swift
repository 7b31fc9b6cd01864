import Glibc

/// A TCP port of this machine that is held for a test: nobody listens there, or somebody who never says a
/// word on the connections that the kernel takes.
public final class HeldPort: Sendable {
    /// No such port could be had.
    public struct Failed: Error {
        /// The system's error number.
        public let errorNumber: Int32
    }

    /// How many connections the kernel takes.
    private static let backlog: Int32 = 8

    private let descriptor: Int32
    /// The number that the system chose.
    public let number: UInt16

    /// Holds one, on every address of the machine or on 127.0.0.1 alone.
    ///
    /// - Parameter isShared: Whether a listener that shares its port may take it while it is held, and so
    ///   nobody else in between.
    /// - Throws: ``Failed``.
    public init(onEveryAddress: Bool = false, isShared: Bool = false) throws(Failed) {
        // Programs that other tests start meanwhile must not hold it as well.
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, type, 0)
        if isShared {
            var isOn: Int32 = 1
            let size = socklen_t(MemoryLayout<Int32>.size)
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &isOn, size)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = onEveryAddress ? 0 : inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        self.descriptor = descriptor
        number = UInt16(bigEndian: address.sin_port)
        guard isBound else { throw Failed(errorNumber: errno) }
    }

    deinit { close(descriptor) }

    /// Takes connections from now on.
    ///
    /// - Throws: ``Failed``.
    public func listen() throws(Failed) {
        guard Glibc.listen(descriptor, HeldPort.backlog) == 0 else {
            throw Failed(errorNumber: errno)
        }
    }

    /// Whether somebody on this machine takes a connection there; for where an answer is expected, since
    /// silence can take minutes.
    public static func answers(at address: String, port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var peer = sockaddr_in()
        peer.sin_family = sa_family_t(AF_INET)
        peer.sin_addr.s_addr = inet_addr(address)
        peer.sin_port = port.bigEndian
        return withUnsafePointer(to: peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
