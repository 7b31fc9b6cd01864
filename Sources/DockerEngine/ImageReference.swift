/// The name of an image with a tag or a digest: `postgres:16`, `registry:5000/db@sha256:…`.
public struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// The name, with the registry's before it unless it is Docker Hub's: `postgres`.
    public let repository: String
    /// The tag; nil when a digest says which.
    public let tag: String?
    /// The digest, `sha256:` and 64 digits; it wins over a tag.
    public let digest: String?

    /// Reads a reference; without tag and digest the tag is `latest`, as Docker has it.
    ///
    /// Nil for what cannot be one: an empty part, a space, a control character, `..`, `?`, `#`, `%`.
    public init?(_ text: String) {
        let isClean = text.utf8.allSatisfy { byte in
            (0x21..<0x7F).contains(byte) && !"?#%\\\"".utf8.contains(byte)
        }
        guard isClean, !text.contains(".."), text.utf8.count <= ImageReference.bytesMax else {
            return nil
        }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { return nil }
        var name = parts[0]
        var tag: String?
        // A colon before the last slash belongs to the registry's port.
        let lastPart = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        if let colon = name[lastPart...].lastIndex(of: ":") {
            tag = String(name[name.index(after: colon)...])
            name = name[..<colon]
        }
        let digest = parts.count == 2 ? String(parts[1]) : nil
        guard !name.isEmpty, name.first != "/", name.last != "/", tag?.isEmpty != true,
            digest.map(ImageReference.isDigest) != false
        else { return nil }
        repository = String(name)
        self.digest = digest
        self.tag = digest == nil ? tag ?? "latest" : tag
    }

    /// The longest reference that is read.
    public static let bytesMax = 512

    private static func isDigest(_ text: String) -> Bool {
        guard text.hasPrefix("sha256:") else { return false }
        let digits = text.utf8.dropFirst("sha256:".utf8.count)
        return digits.count == 64
            && digits.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }

    /// As Docker writes it.
    public var description: String {
        repository + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}
