import Glibc

/// A call on a unix socket failed.
struct SocketFailed: Error {
    let function: String
    let code: Int32
}

/// Unix sockets at a path.
enum UnixSocket {
    /// Listens at `path`, for any user of the machine.
    static func listen(at path: String) throws -> Int32 {
        unlink(path)
        let descriptor = try make(path, Glibc.bind, "bind")
        chmod(path, 0o777)
        guard Glibc.listen(descriptor, 128) == 0 else {
            let code = errno
            close(descriptor)
            throw SocketFailed(function: "listen", code: code)
        }
        return descriptor
    }

    /// Connects to `path`.
    static func connect(to path: String) throws -> Int32 {
        try make(path, Glibc.connect, "connect")
    }

    /// Accepts one connection, if one waits.
    static func accept(_ listener: Int32) -> Int32? {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    private static func make(
        _ path: String,
        _ attach: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32,
        _ function: String
    ) throws -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw SocketFailed(function: "socket", code: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isFitting = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard path.utf8.count < place.count else { return false }
            place.copyBytes(from: Array(path.utf8))
            return true
        }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                attach(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard isFitting, code == 0 else {
            let code = errno
            close(descriptor)
            throw SocketFailed(function: function, code: code)
        }
        return descriptor
    }
}
