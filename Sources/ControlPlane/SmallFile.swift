import EventLoops
import Glibc

/// Reads a file that holds one short text, such as a key or an address.
enum SmallFile {
    /// More than any such file holds, in bytes; what lies beyond is not read.
    static let lengthMax = 8192

    /// The file's bytes and its permission bits.
    /// - Throws: `SystemError`.
    static func read(_ path: String) throws(SystemError) -> (bytes: [UInt8], mode: mode_t) {
        // Safe: the path is a NUL-terminated copy that lives for the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .last("fstat") }
        var bytes = [UInt8](repeating: 0, count: lengthMax)
        // Safe: reads at most the array's own length.
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
        }
        guard count >= 0 else { throw .last("read") }
        return (Array(bytes.prefix(count)), status.st_mode)
    }
}

/// The text without white space around it.
func trimmed(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    let start = text.drop(while: \.isWhitespace)
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
}
