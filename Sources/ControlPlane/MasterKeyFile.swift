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

    /// Writes a new key to a file that must not exist, with mode 0600: the whole key or no file.
    /// - Throws: ``Refusal``.
    static func generate(at path: String) throws {
        let key = try SecureRandom.privateBytes(MasterKeySealer.masterKeyByteCount)
        do {
            try SmallFile.create(path, with: Array((Base64URL.encode(key) + "\n").utf8))
        } catch {
            throw error.code == EEXIST
                ? Refusal.exists(path: path) : Refusal.system(path: path, error)
        }
    }

    /// Reads a key.
    /// - Throws: ``Refusal``.
    static func read(_ path: String) throws -> SecretBytes {
        let file: (bytes: [UInt8], mode: mode_t)
        do {
            file = try SmallFile.readWithMode(path)
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

/// The text without white space around it.
func trimmed(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    let start = text.drop(while: \.isWhitespace)
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
}
