/// A service's host name on its environment's network: a DNS label (RFC 1035 section 2.3.1) that
/// starts with a letter.
public struct ServiceSlug: Hashable, Sendable, CustomStringConvertible {
    /// The label, lower case, 1 to ``lengthMax`` characters.
    public let description: String

    /// The longest DNS label, in bytes.
    public static let lengthMax = 63
    /// Names that resolve to something else everywhere.
    static let reserved: Set<String> = ["localhost"]

    /// Why a name makes no slug, as a rule fit for the caller.
    struct Refusal: Error {
        let rule: String
    }

    /// Takes a slug that the schema's constraint has accepted before.
    init(stored: String) { description = stored }

    /// Derives the slug of a name: letters in lower case and digits stay, each run of anything else
    /// becomes one hyphen, hyphens at the ends go.
    ///
    /// Too long a slug is refused, not cut: cutting would give two names one host.
    init(name: String) throws(Refusal) {
        var label: [UInt8] = []
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                label.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                label.append(byte | 0x20)
            default:
                if let last = label.last, last != UInt8(ascii: "-") {
                    label.append(UInt8(ascii: "-"))
                }
            }
        }
        if label.last == UInt8(ascii: "-") { label.removeLast() }
        let text = String(decoding: label, as: UTF8.self)
        guard let first = label.first, first >= UInt8(ascii: "a") else {
            throw Refusal(
                rule: "must begin with a letter from A to Z, since it becomes a host name")
        }
        guard label.count <= ServiceSlug.lengthMax else {
            throw Refusal(
                rule: "makes a host name of \(label.count) characters; "
                    + "at most \(ServiceSlug.lengthMax) are allowed")
        }
        guard !ServiceSlug.reserved.contains(text) else {
            throw Refusal(rule: "must not be '\(text)', which is reserved")
        }
        description = text
    }
}
