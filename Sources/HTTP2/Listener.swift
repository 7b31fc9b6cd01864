public import EventLoops
import Glibc

/// Accepts connections on one address for one loop.
///
/// Several loops of a process listen on the same address, each by its own listener (SO_REUSEPORT);
/// the kernel spreads the connections over them.
public final class Listener: ReadinessHandler {
    /// The address in use, with the port the system chose if none was named.
    public let address: SocketAddress

    private let reactor: Reactor
    private let descriptor: Int32
    private let accepted: (SocketStream, SocketAddress) -> Void
    private var watch: Watch?

    /// Connections taken from the kernel a turn; the rest waits for the next.
    static let acceptsATurnMax = 64
    /// Connections that may wait in the kernel.
    static let backlogMax: Int32 = 1024
    /// How long to wait after the process ran out of descriptors.
    static let exhaustedPause: Duration = .milliseconds(100)

    /// Listens at once.
    ///
    /// - Parameter accepted: Called on the loop with each connection, non-blocking and without delay
    ///   (TCP_NODELAY).
    /// - Throws: ``SystemError``.
    public init(
        reactor: Reactor,
        address: SocketAddress,
        accepted: @escaping (SocketStream, SocketAddress) -> Void
    ) throws(SystemError) {
        self.reactor = reactor
        self.accepted = accepted
        descriptor = try Listener.bound(to: address, sharesPort: true)
        guard Glibc.listen(descriptor, Listener.backlogMax) == 0 else {
            let error = SystemError.last("listen")
            _ = Glibc.close(descriptor)
            throw error
        }
        let descriptor = self.descriptor
        // Safe: the call writes into the storage that the initialiser lends.
        self.address =
            unsafe SocketAddress { unsafe getsockname(descriptor, $0, $1) } ?? address
        watch = try reactor.watch(descriptor, for: .readable, handler: self)
    }

    /// Refuses an address on which any process listens already, this one included.
    ///
    /// SO_REUSEPORT would share the port silently with another server of the same user.
    /// - Throws: ``SystemError`` of `bind` with `EADDRINUSE`.
    public static func refuseIfTaken(_ address: SocketAddress) throws(SystemError) {
        guard address.port != 0 else { return }
        _ = Glibc.close(try bound(to: address, sharesPort: false))
    }

    /// Stops listening; connections that wait in the kernel are reset. May be called again.
    public func close() {
        guard let watch else { return }
        self.watch = nil
        reactor.stopWatching(watch)
        _ = Glibc.close(descriptor)
    }

    /// Accepts what waits.
    public func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
        for _ in 0..<Listener.acceptsATurnMax {
            guard watch != nil else { return }
            var peer = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            // Safe: the kernel writes at most `size` bytes into live local storage.
            let accepted = unsafe withUnsafeMutablePointer(to: &peer) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe accept(descriptor, $0, &size)
                }
            }
            if accepted < 0 {
                if errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM {
                    pause()
                    return
                }
                if errno == EAGAIN { return }
                // The connection died in the queue, or a signal came: the next one may be fine.
                continue
            }
            _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
            _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
            Listener.set(accepted, Int32(IPPROTO_TCP), TCP_NODELAY)
            let address = SocketAddress(peer) ?? address.with(port: 0)
            self.accepted(SocketStream(descriptor: accepted), address)
        }
    }

    /// Leaves the connections in the kernel's queue for a while instead of spinning on them.
    private func pause() {
        guard let watch else { return }
        try? reactor.update(watch, interest: [])
        reactor.schedule(after: Listener.exhaustedPause) { [weak self] in
            guard let self, let watch = self.watch else { return }
            try? self.reactor.update(watch, interest: .readable)
        }
    }

    private static func bound(
        to address: SocketAddress,
        sharesPort: Bool
    ) throws(SystemError) -> Int32 {
        let family = address.family == .v4 ? AF_INET : AF_INET6
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw .last("socket") }
        set(descriptor, SOL_SOCKET, SO_REUSEADDR)
        if sharesPort { set(descriptor, SOL_SOCKET, SO_REUSEPORT) }
        if address.family == .v6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        // Safe: the address is read during the call only.
        let code = unsafe address.withSockaddr { unsafe Glibc.bind(descriptor, $0, $1) }
        guard code == 0 else {
            let error = SystemError.last("bind")
            _ = Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
        var one: Int32 = 1
        // Safe: four bytes of a live local.
        _ = unsafe setsockopt(
            descriptor,
            level,
            option,
            &one,
            socklen_t(MemoryLayout<Int32>.size)
        )
    }
}
