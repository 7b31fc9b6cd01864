/// A UUID that names one thing of one kind.
///
/// The kind is a type parameter, so that a service's id cannot be passed for a server's. New ids are
/// UUIDv7 (RFC 9562 section 5.7): their order is the order of creation to the millisecond.
public struct Identifier<Kind>: Hashable, Sendable, CustomStringConvertible {
    /// The most significant 64 bits.
    public let high: UInt64
    /// The least significant 64 bits.
    public let low: UInt64

    /// Makes an identifier from its 128 bits, most significant half first.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes an identifier from exactly sixteen bytes, or returns `nil`.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        high = bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Parses the text form, 8-4-4-4-12 hexadecimal digits in either case, or returns `nil`.
    public init?(_ text: String) {
        var value: (high: UInt64, low: UInt64) = (0, 0)
        var digits = 0
        var position = 0
        for byte in text.utf8 {
            defer { position += 1 }
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = hexDigitValue(byte), digits < 32 else { return nil }
            if digits < 16 {
                value.high = value.high << 4 | digit
            } else {
                value.low = value.low << 4 | digit
            }
            digits += 1
        }
        guard digits == 32, position == 36 else { return nil }
        (high, low) = value
    }

    /// Makes a new UUIDv7.
    ///
    /// - Parameter time: The wall-clock time that its first 48 bits carry, in milliseconds.
    public static func new(at time: Timestamp) -> Identifier {
        var random = SystemRandomNumberGenerator()
        let milliseconds = UInt64(clamping: time.microsecondsSince1970 / 1000) & 0xFFFF_FFFF_FFFF
        let noise = random.next()
        return Identifier(
            high: milliseconds << 16 | 0x7000 | noise & 0x0FFF,
            low: 0x8000_0000_0000_0000 | random.next() & 0x3FFF_FFFF_FFFF_FFFF)
    }

    /// The sixteen bytes, most significant first.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(16)
        for half in [high, low] {
            for shift in stride(from: 56, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: half >> UInt64(shift)))
            }
        }
        return result
    }

    /// The text form in lower case, such as `018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a34`.
    public var description: String {
        var text = [UInt8](repeating: UInt8(ascii: "-"), count: 36)
        var position = 0
        for digit in UInt64(0)..<32 {
            if digit == 8 || digit == 12 || digit == 16 || digit == 20 { position += 1 }
            let half = digit < 16 ? high : low
            text[position] = hexDigit(UInt8(half >> (60 - 4 * (digit & 15)) & 15))
            position += 1
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The kinds of things that an ``Identifier`` can name.
public enum IdentifierKind {
    /// A workspace.
    public enum Workspace {}
    /// A project.
    public enum Project {}
    /// An environment.
    public enum Environment {}
    /// A service.
    public enum Service {}
    /// A deployment.
    public enum Deployment {}
    /// A server.
    public enum Server {}
    /// A job of an agent.
    public enum Job {}
    /// A user.
    public enum User {}
    /// An access token.
    public enum AccessToken {}
    /// A config entry.
    public enum ConfigEntry {}
    /// An audit event.
    public enum AuditEvent {}
}

/// Names a workspace.
public typealias WorkspaceID = Identifier<IdentifierKind.Workspace>
/// Names a project.
public typealias ProjectID = Identifier<IdentifierKind.Project>
/// Names an environment.
public typealias EnvironmentID = Identifier<IdentifierKind.Environment>
/// Names a service.
public typealias ServiceID = Identifier<IdentifierKind.Service>
/// Names a deployment.
public typealias DeploymentID = Identifier<IdentifierKind.Deployment>
/// Names a server.
public typealias ServerID = Identifier<IdentifierKind.Server>
/// Names a job of an agent; a deployment's own job has the deployment's id.
public typealias JobID = Identifier<IdentifierKind.Job>
/// Names a user.
public typealias UserID = Identifier<IdentifierKind.User>
/// Names an access token; not the token itself.
public typealias AccessTokenID = Identifier<IdentifierKind.AccessToken>
/// Names a config entry.
public typealias ConfigEntryID = Identifier<IdentifierKind.ConfigEntry>
/// Names an audit event.
public typealias AuditEventID = Identifier<IdentifierKind.AuditEvent>
