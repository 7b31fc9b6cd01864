import Config
import Cryptography
import EventLoops
import Glibc

/// The file that holds the master key: base64url of 32 random bytes, readable by its owner alone.
enum MasterKeyFile {
    /// Why a key file is of no use.
    enum Refusal: Error, CustomStringConvertible {
        /// The file could not be opened, read or written.
        case system(path: String, SystemError)
        /// Others may read the file.
        case readableByOthers(path: String)
        /// The file does not hold a key.
        case malformed(path: String)
        /// A file is there already; overwriting it would make every secret unreadable.
        case exists(path: String)

        var description: String {
            switch self {
            case .system(let path, let error):
                "the master key file \(path): \(error)"
            case .readableByOthers(let path):
                "the master key file \(path) can be read by others; run: chmod 600 \(path)"
            case .malformed(let path):
                "the master key file \(path) does not hold a key that 'berthd keygen' made"
            case .exists(let path):
                "\(path) exists; a master key is never overwritten, "
                    + "since what it sealed could not be opened again"
            }
        }
    }

    private static let permissionsOfOthers: mode_t = 0o077

    /// Writes a new key to a file that must not exist, with mode 0600.
    /// - Throws: ``Refusal``.
    static func generate(at path: String) throws {
        // Safe: the path is a NUL-terminated copy that lives for the call.
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw errno == EEXIST
                ? Refusal.exists(path: path) : Refusal.system(path: path, .last("open"))
        }
        defer { close(descriptor) }
        let key = try SecureRandom.privateBytes(MasterKeySealer.masterKeyByteCount)
        let text = Array((Base64URL.encode(key) + "\n").utf8)
        // Safe: writes the array's own bytes.
        let written = unsafe text.withUnsafeBytes {
            unsafe write(descriptor, $0.baseAddress, $0.count)
        }
        guard written == text.count, fsync(descriptor) == 0 else {
            let refusal = Refusal.system(path: path, .last("write"))
            unsafe unlink(path)
            throw refusal
        }
    }

    /// Reads a key.
    /// - Throws: ``Refusal``.
    static func read(_ path: String) throws -> SecretBytes {
        let file: (bytes: [UInt8], mode: mode_t)
        do {
            file = try SmallFile.read(path)
        } catch {
            throw Refusal.system(path: path, error)
        }
        guard file.mode & permissionsOfOthers == 0 else {
            throw Refusal.readableByOthers(path: path)
        }
        guard var key = Base64URL.decode(trimmed(file.bytes)),
            key.count == MasterKeySealer.masterKeyByteCount
        else { throw Refusal.malformed(path: path) }
        return SecretBytes(taking: &key)
    }
}
