import EventLoops
import Glibc

/// Reads a file with certificates or a key in PEM form.
public enum PEMFile {
    /// The longest such file, in bytes: a bundle of every public authority fits.
    public static let lengthMax = 1 << 20

    private static let permissionsOfOthers: mode_t = 0o077

    /// The file's bytes. May block: call it at the start or on a worker.
    ///
    /// - Parameter isSecret: Refuses a file that its group or others may use.
    /// - Throws: ``TLSError``.
    public static func read(_ path: String, isSecret: Bool) throws(TLSError) -> [UInt8] {
        // Safe: the path is a NUL-terminated copy that lives for the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, .last("open")) }
        defer { close(descriptor) }
        var status = stat()
        // Safe: fills a live local.
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .unreadable(path: path, .last("fstat"))
        }
        if isSecret, status.st_mode & permissionsOfOthers != 0 {
            throw .readableByOthers(path: path)
        }
        var bytes = [UInt8](repeating: 0, count: lengthMax + 1)
        var length = 0
        while length < bytes.count {
            // Safe: reads at most what is left of the live array.
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe Glibc.read(
                    descriptor, $0.baseAddress?.advanced(by: length), $0.count - length)
            }
            guard count >= 0 else { throw .unreadable(path: path, .last("read")) }
            if count == 0 { return Array(bytes[..<length]) }
            length += count
        }
        throw .tooLong(path: path)
    }

    /// What changes when the file does; nil while there is none. May block.
    static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        // Safe: fills a live local; follows links, so that a swapped link counts as a change.
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Stamp(
            device: status.st_dev, inode: status.st_ino, size: status.st_size,
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    /// A file's identity and the time of its last change.
    struct Stamp: Equatable, Sendable {
        let device: dev_t
        let inode: ino_t
        let size: off_t
        let seconds: Int
        let nanoseconds: Int
    }
}
