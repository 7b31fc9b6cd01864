import CLinux
import Config
import Cryptography
import Glibc

/// The file that holds the master key: base64url of 32 random bytes, readable by its owner alone.
enum MasterKeyFile {
    /// Why a key file is of no use.
    enum Refusal: Error, CustomStringConvertible {
        /// The file could not be opened, read or written.
        case system(path: String, function: String, code: Int32)
        /// Others may read the file.
        case readableByOthers(path: String)
        /// The file does not hold a key.
        case malformed(path: String)
        /// A file is there already; overwriting it would make every secret unreadable.
        case exists(path: String)

        var description: String {
            switch self {
            case .system(let path, let function, let code):
                let reason = unsafe String(cString: strerror(code))
                return "the master key file \(path): \(function): \(reason)"
            case .readableByOthers(let path):
                return "the master key file \(path) can be read by others; run: chmod 600 \(path)"
            case .malformed(let path):
                return "the master key file \(path) does not hold a key that "
                    + "'berthd keygen' made"
            case .exists(let path):
                return "\(path) exists; a master key is never overwritten, "
                    + "since what it sealed could not be opened again"
            }
        }
    }

    /// More than a key file ever holds, in bytes.
    private static let lengthMax = 256
    private static let permissionsOfOthers: mode_t = 0o077

    /// Writes a new key to a file that must not exist, with mode 0600.
    static func generate(at path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw errno == EEXIST
                ? Refusal.exists(path: path) : system(path, "open")
        }
        defer { close(descriptor) }
        let key = try SecureRandom.privateBytes(MasterKeySealer.masterKeyByteCount)
        let text = Array((Base64URL.encode(key) + "\n").utf8)
        // Safe: writes the array's own bytes.
        let written = unsafe text.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        guard written == text.count, fsync(descriptor) == 0 else {
            let refusal = system(path, "write")
            unlink(path)
            throw refusal
        }
    }

    /// Reads a key.
    /// - Throws: ``Refusal``.
    static func read(_ path: String) throws -> SecretBytes {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw system(path, "open") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw system(path, "fstat") }
        guard status.st_mode & permissionsOfOthers == 0 else {
            throw Refusal.readableByOthers(path: path)
        }
        var bytes = [UInt8](repeating: 0, count: lengthMax)
        // Safe: reads at most the array's own length.
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
        }
        guard count >= 0 else { throw system(path, "read") }
        var text = bytes.prefix(count)
        while let last = text.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") {
            text.removeLast()
        }
        guard var key = Base64URL.decode(String(decoding: text, as: UTF8.self)),
            key.count == MasterKeySealer.masterKeyByteCount
        else { throw Refusal.malformed(path: path) }
        return SecretBytes(taking: &key)
    }

    private static func system(_ path: String, _ function: String) -> Refusal {
        .system(path: path, function: function, code: errno)
    }
}
