public import Glibc

/// Files that hold one short text: keys, addresses, state, what the kernel tells.
///
/// What is written here is there whole or not at all, whenever the machine stops, and readable by its
/// owner alone. These calls block: they are for a program's start and its commands, not for a loop.
public enum SmallFile {
    /// More than any such file holds, in bytes; what lies beyond is not read.
    public static let bytesMax = 256 * 1024

    /// A file's text; nil when it cannot be read.
    public static func text(_ path: String) -> String? {
        (try? read(path)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A file's bytes.
    /// - Throws: ``SystemError``.
    public static func read(_ path: String) throws(SystemError) -> [UInt8] {
        try readWithMode(path).bytes
    }

    /// A file's bytes and its mode (`st_mode`), of one and the same file.
    /// - Throws: ``SystemError``.
    public static func readWithMode(
        _ path: String
    ) throws(SystemError) -> (bytes: [UInt8], mode: mode_t) {
        // Safe: the path is a NUL-terminated copy that lives for the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open \(path)") }
        defer { close(descriptor) }
        var status = stat()
        // Safe: fills a live local.
        guard unsafe fstat(descriptor, &status) == 0 else { throw .last("fstat \(path)") }
        return (try read(descriptor), status.st_mode)
    }

    /// What an open file, pipe or terminal has until its end.
    /// - Throws: ``SystemError``.
    public static func read(_ descriptor: Int32) throws(SystemError) -> [UInt8] {
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

    /// Makes a file that must not exist, mode 0600.
    ///
    /// Until all is written the bytes are in a draft beside it, of a name of its own: one that a kill
    /// left behind hinders nobody.
    /// - Throws: ``SystemError``, of code `EEXIST` when the file is there.
    public static func create(_ path: String, with bytes: [UInt8]) throws(SystemError) {
        let draft = "\(path).new.\(String(UInt64.random(in: .min ... .max), radix: 36))"
        // Safe: the paths are NUL-terminated copies that live for their calls.
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open \(draft)") }
        defer {
            close(descriptor)
            unsafe unlink(draft)
        }
        try write(bytes, to: descriptor, path)
        // Unlike rename(2), link(2) takes no existing file's place.
        guard unsafe link(draft, path) == 0 else { throw .last("link \(path)") }
        try syncFolder(of: path)
    }

    /// Replaces a file, or makes it, mode 0600: after a crash there is the old one or the new one.
    /// One program at a time may replace the same file.
    /// - Throws: ``SystemError``.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
        let draft = "\(path).new"
        // Safe: both paths are NUL-terminated copies that live for their calls.
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open \(draft)") }
        defer { close(descriptor) }
        try write(bytes, to: descriptor, draft)
        guard unsafe rename(draft, path) == 0 else { throw .last("rename \(path)") }
        try syncFolder(of: path)
    }

    /// Writes all of it, and waits until the disk has it.
    private static func write(
        _ bytes: [UInt8], to descriptor: Int32, _ path: String
    ) throws(SystemError) {
        // A draft that was left behind may have another mode.
        guard fchmod(descriptor, 0o600) == 0 else { throw .last("fchmod \(path)") }
        var rest = bytes[...]
        while !rest.isEmpty {
            // Safe: writes at most the slice's own bytes.
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw .last("write \(path)")
            }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw .last("fsync \(path)") }
    }

    /// A file's name is the folder's to remember.
    private static func syncFolder(of path: String) throws(SystemError) {
        let folder = folder(of: path)
        // Safe: the path is a NUL-terminated copy that lives for the call.
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open \(folder)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("fsync \(folder)") }
    }

    /// Where a file lies, as dirname(3) tells.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
