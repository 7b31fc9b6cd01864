import Glibc
import Synchronization

/// Ports of this machine for programs that must be told theirs.
enum FreePort {
    /// Below those that the system gives to whoever asks for any, and to outgoing connections: nobody
    /// gets one by chance between our asking and the program's start.
    private static let numbers: Range<UInt16> = 20_000..<32_000
    /// Where the next search begins; elsewhere in each process.
    private static let next = Mutex(UInt16.random(in: numbers))

    /// One on which nobody listens, and that no other test of this process gets.
    static func find() throws -> UInt16 {
        for _ in numbers {
            let number = next.withLock { next in
                defer { next = next + 1 < numbers.upperBound ? next + 1 : numbers.lowerBound }
                return next
            }
            if isFree(number) { return number }
        }
        throw ChildProcess.Failed(description: "no free port")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, type, 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
