/// A JSON value (RFC 8259). Objects keep the order of their members, so that equal requests are
/// equal bytes.
public enum JSON: Equatable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction and exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number.
    case decimal(Double)
    /// Text.
    case string(String)
    /// Values in order.
    case array([JSON])
    /// Names with values, in order; no name twice.
    case object([Member])

    /// One name of an object with its value.
    public struct Member: Equatable, Sendable {
        /// The name.
        public let name: String
        /// The value.
        public let value: JSON

        /// Makes a member.
        public init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// The value of that name; nil when this is no object, has no such name, or `null` is there, for
    /// Docker writes an empty map or list now as `null` and now not at all.
    public subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        guard let value = members.first(where: { $0.name == name })?.value else { return nil }
        return value == .null ? nil : value
    }

    /// The text, if this is one.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The number, if this is an integer.
    public var integer: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The truth value, if this is one.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The values, if this is an array.
    public var array: [JSON]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// The members, if this is an object.
    public var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// The object as a dictionary, when all its values are text.
    public var strings: [String: String]? {
        guard let members else { return nil }
        var result: [String: String] = [:]
        for member in members {
            guard let text = member.value.string else { return nil }
            result[member.name] = text
        }
        return result
    }

    /// An object of texts, ordered by name: a dictionary has no order of its own.
    public static func strings(_ values: [String: String]) -> JSON {
        .object(values.sorted { $0.key < $1.key }.map { Member($0.key, .string($0.value)) })
    }

    /// An array of texts.
    public static func strings(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object; the order of the literal is kept.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
}
