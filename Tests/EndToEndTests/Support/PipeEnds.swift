import Glibc

/// A way for bytes that no program started later inherits.
struct PipeEnds {
    let reading: Int32
    let writing: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        // Not `pipe`: another thread may start a program before that could be told not to pass them on,
        // and whoever reads would never see the end.
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw ChildProcess.Failed(description: "socketpair failed")
        }
        (reading, writing) = (ends[0], ends[1])
    }
}
