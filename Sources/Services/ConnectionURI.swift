public import Domain

/// How a sibling service reaches a database.
public struct ConnectionParts: Hashable, Sendable {
    /// The URI's scheme, from the catalogue.
    public let scheme: String
    /// The service's slug.
    public let host: String
    /// The network port, 1 to 65535.
    public let port: Int32
    /// The database's name.
    public let databaseName: String
    /// The user's name.
    public let username: String
    /// The user's password.
    public let password: SecretText

    /// `scheme://user:password@host:port/database` as RFC 3986 and libpq read it.
    ///
    /// Everything but the unreserved characters is percent-encoded, so no password can break it.
    public var uri: SecretText {
        let user = PercentEncoding.component(username)
        let secret = PercentEncoding.component(password.revealed)
        let database = PercentEncoding.component(databaseName)
        return SecretText("\(scheme)://\(user):\(secret)@\(host):\(port)/\(database)")
    }
}

/// The one encoder of URI components (RFC 3986 section 2.1).
enum PercentEncoding {
    /// Encodes every byte but `ALPHA`, `DIGIT`, `-`, `.`, `_` and `~`.
    static func component(_ text: String) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isUnreserved(byte) {
                result.append(byte)
            } else {
                result.append(UInt8(ascii: "%"))
                result.append(upperHexDigit(byte >> 4))
                result.append(upperHexDigit(byte & 15))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func upperHexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
