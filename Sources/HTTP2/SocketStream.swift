public import EventLoops
import Glibc

/// Plain bytes over a connected, non-blocking socket.
public final class SocketStream: ByteStream {
    /// The socket.
    public let descriptor: Int32
    /// Where it was told to connect to; nil for one that was accepted.
    public let target: SocketAddress?

    /// Takes over a connected, non-blocking socket.
    public init(descriptor: Int32, target: SocketAddress? = nil) {
        self.descriptor = descriptor
        self.target = target
    }

    /// Reads what is there.
    public func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteStreamOutcome {
        while true {
            // Safe: the kernel writes at most `count` bytes into the caller's live buffer.
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .moved(count) }
            if count == 0 { return .ended }
            if errno == EAGAIN { return .blocked(until: .readable) }
            if errno != EINTR { return .failed(SystemError.last("recv")) }
        }
    }

    /// Writes what the kernel takes.
    public func write(_ bytes: UnsafeRawBufferPointer) -> ByteStreamOutcome {
        while true {
            // Safe: the kernel reads at most `count` bytes of the caller's live buffer.
            let count = unsafe send(
                descriptor,
                bytes.baseAddress,
                bytes.count,
                Int32(MSG_NOSIGNAL)
            )
            if count >= 0 { return .moved(count) }
            if errno == EAGAIN { return .blocked(until: .writable) }
            if errno != EINTR { return .failed(SystemError.last("send")) }
        }
    }

    /// Sends FIN.
    public func endWriting() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes the socket.
    public func close() { _ = Glibc.close(descriptor) }
}

extension SocketStream {
    /// Begins to connect; the stream blocks until that is done, and fails if it does.
    /// - Throws: ``SystemError``, such as for an address that has no route.
    public static func connecting(to address: SocketAddress) throws(SystemError) -> SocketStream {
        let family = address.family == .v4 ? AF_INET : AF_INET6
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw .last("socket") }
        // Safe: the address is read during the call only.
        let code = unsafe address.withSockaddr { unsafe connect(descriptor, $0, $1) }
        guard code == 0 || errno == EINPROGRESS else {
            let error = SystemError.last("connect")
            _ = Glibc.close(descriptor)
            throw error
        }
        Listener.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
        return SocketStream(descriptor: descriptor, target: address)
    }
}
