import EventLoops
import Glibc

/// Files that hold one short text: state, tokens, what the kernel tells.
enum SmallFile {
    /// More than any such file holds, in bytes; what lies beyond is not read.
    static let bytesMax = 256 * 1024

    /// A file's text; nil when it cannot be read.
    static func text(_ path: String) -> String? {
        (try? read(path)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A file's bytes.
    /// - Throws: `SystemError`.
    static func read(_ path: String) throws(SystemError) -> [UInt8] {
        // Safe: the path is a NUL-terminated copy that lives for the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open \(path)") }
        defer { close(descriptor) }
        return try read(descriptor)
    }

    /// What an open file, pipe or terminal has until its end.
    /// - Throws: `SystemError`.
    static func read(_ descriptor: Int32) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count < bytesMax {
            // Safe: reads at most the array's own length.
            let count = unsafe piece.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw .last("read")
            }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return bytes
    }

    /// Replaces a file by one with these bytes, mode 0600: after a crash there is the old one or the
    /// new one, whole.
    /// - Throws: `SystemError`.
    static func replace(_ name: String, in folder: String, with bytes: [UInt8]) throws(SystemError)
    {
        let path = "\(folder)/\(name)"
        let draft = "\(path).new"
        // Safe: both paths are NUL-terminated copies that live for their calls.
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open \(draft)") }
        defer { close(descriptor) }
        // A draft that was left behind may have another mode.
        guard fchmod(descriptor, 0o600) == 0 else { throw .last("fchmod \(draft)") }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes[written...].withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else { throw .last("write \(draft)") }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw .last("fsync \(draft)") }
        guard unsafe rename(draft, path) == 0 else { throw .last("rename \(path)") }
        let parent = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { throw .last("open \(folder)") }
        defer { close(parent) }
        guard fsync(parent) == 0 else { throw .last("fsync \(folder)") }
    }
}
