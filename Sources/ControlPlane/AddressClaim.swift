import EventLoops
import Glibc
import HTTP2

/// This process's claim to the address that it listens on, held until the process ends.
///
/// The loops share the port (SO_REUSEPORT), and so would a second `berthd` that starts at the same
/// moment: both would find the port free and then take half of the connections each. A name in the
/// kernel's abstract namespace (unix(7)) can be bound once only and goes with its process.
enum AddressClaim {
    /// Why the address cannot be had.
    struct Refusal: Error, CustomStringConvertible {
        let address: SocketAddress
        let cause: SystemError

        var description: String {
            let reason =
                cause.code == EADDRINUSE
                ? "another program, perhaps a berthd, has this address"
                : "this machine does not let it"
            return "cannot listen on \(address): \(reason) (\(cause))"
        }
    }

    /// Claims an address on which nothing listens and that no other `berthd` of this network
    /// namespace has claimed.
    ///
    /// - Throws: ``Refusal``.
    static func make(_ address: SocketAddress) throws(Refusal) {
        // The system gives port 0's stand-in to one process only.
        guard address.port != 0 else { return }
        do {
            try bindName("berthd \(address)")
            try Listener.refuseIfTaken(address)
        } catch {
            throw Refusal(address: address, cause: error)
        }
    }

    /// The descriptor stays open on purpose: the claim ends with the process.
    private static func bindName(_ name: String) throws(SystemError) {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw .last("socket") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A NUL first makes the name abstract.
        let path = Array("\0\(name)".utf8.prefix(MemoryLayout.size(ofValue: address.sun_path)))
        // Safe: `path` has at most the bytes that `sun_path` holds.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let length = MemoryLayout<sa_family_t>.size + path.count
        // Safe: the address is read during the call only.
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(length))
            }
        }
        guard code == 0 else {
            let error = SystemError.last("bind")
            close(descriptor)
            throw error
        }
    }
}
