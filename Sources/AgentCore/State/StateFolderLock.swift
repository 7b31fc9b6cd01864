import EventLoops
import Glibc

/// A lock on a file that ends with its owner, or with the process however that ends (flock(2)).
struct StateFolderLock: ~Copyable {
    private let descriptor: Int32

    /// Takes the lock; nil when another process, or another lock of this one, has it.
    /// - Throws: `SystemError`.
    init?(file path: String) throws(SystemError) {
        // Safe: the path is a NUL-terminated copy that lives for the call.
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = SystemError.last("flock \(path)")
            close(descriptor)
            if error.code == EWOULDBLOCK { return nil }
            throw error
        }
        self.descriptor = descriptor
    }

    deinit {
        // Closing alone does not end it while a program that is just being started shares the file.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
