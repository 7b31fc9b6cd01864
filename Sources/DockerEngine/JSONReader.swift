/// Why a text is not JSON that we take; says where, never what stood there.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: Equatable, Sendable {
        /// The text ends inside a value.
        case truncated
        /// A byte that RFC 8259 does not allow at this place.
        case unexpectedByte
        /// Arrays and objects inside each other beyond ``JSON/depthMax``.
        case tooDeep
        /// A text that is not UTF-8, or half a surrogate pair.
        case invalidText
        /// A number that nothing here can hold.
        case invalidNumber
        /// An object that has a name twice: which one counts is anyone's guess.
        case repeatedName
        /// Something other than white space behind the value.
        case trailingBytes
    }

    /// What is wrong.
    public let reason: Reason
    /// The offset of the byte at which it was noticed.
    public let offset: Int

    /// The reason and the offset.
    public var description: String { "JSON: \(reason) at byte \(offset)" }
}

extension JSON {
    /// How many arrays and objects may stand inside each other.
    public static let depthMax = 64

    /// Reads exactly one value, white space around it allowed. The caller bounds the bytes.
    /// - Throws: ``JSONError``.
    public init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        var reader = JSONReader(bytes: Array(bytes))
        self = try reader.wholeText()
    }
}

/// A strict reader of RFC 8259: no comments, no trailing commas, no bare control characters.
struct JSONReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func wholeText() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipWhiteSpace()
        guard offset == bytes.count else { throw error(.trailingBytes) }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        skipWhiteSpace()
        switch try peek() {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    // MARK: Arrays and objects

    private mutating func array(depth: Int) throws(JSONError) -> JSON {
        guard depth <= JSON.depthMax else { throw error(.tooDeep) }
        offset += 1
        var values: [JSON] = []
        if try take(ifNext: "]") { return .array(values) }
        while true {
            values.append(try value(depth: depth))
            if try take(ifNext: "]") { return .array(values) }
            try take(",")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSON {
        guard depth <= JSON.depthMax else { throw error(.tooDeep) }
        offset += 1
        var members: [JSON.Member] = []
        var names: Set<String> = []
        if try take(ifNext: "}") { return .object(members) }
        while true {
            skipWhiteSpace()
            guard try peek() == UInt8(ascii: "\"") else { throw error(.unexpectedByte) }
            let name = try string()
            guard names.insert(name).inserted else { throw error(.repeatedName) }
            try take(":")
            members.append(JSON.Member(name, try value(depth: depth)))
            if try take(ifNext: "}") { return .object(members) }
            try take(",")
        }
    }

    // MARK: Text

    private mutating func string() throws(JSONError) -> String {
        offset += 1
        var text: [UInt8] = []
        while true {
            let byte = try peek()
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw error(.invalidText)
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20:
                offset -= 1
                throw error(.unexpectedByte)
            default: text.append(byte)
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        let byte = try peek()
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: UTF8.encodeOrEmpty(try unicodeEscape()))
        default:
            offset -= 1
            throw error(.unexpectedByte)
        }
    }

    /// The scalar of `XXXX`, or of a surrogate pair `XXXX\uXXXX`.
    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try fourHexadecimalDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first) else { throw error(.invalidText) }
        guard try peek() == UInt8(ascii: "\\") else { throw error(.invalidText) }
        offset += 1
        guard try peek() == UInt8(ascii: "u") else { throw error(.invalidText) }
        offset += 1
        let second = try fourHexadecimalDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw error(.invalidText) }
        return scalar
    }

    private mutating func fourHexadecimalDigits() throws(JSONError) -> UInt32 {
        var result: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(try peek())).hexDigitValue else {
                throw error(.unexpectedByte)
            }
            offset += 1
            result = result << 4 | UInt32(digit)
        }
        return result
    }

    // MARK: Numbers and words

    private mutating func number() throws(JSONError) -> JSON {
        let start = offset
        if try peek() == UInt8(ascii: "-") { offset += 1 }
        // RFC 8259 section 6: no leading zeros.
        if try peek() == UInt8(ascii: "0") { offset += 1 } else { try digits() }
        var isInteger = true
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            isInteger = false
            offset += 1
            try digits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            offset += 1
            let sign = try peek()
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let decimal = Double(text), decimal.isFinite else { throw error(.invalidNumber) }
        return .decimal(decimal)
    }

    private mutating func digits() throws(JSONError) {
        guard JSONReader.isDigit(try peek()) else { throw error(.unexpectedByte) }
        while offset < bytes.count, JSONReader.isDigit(bytes[offset]) { offset += 1 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for byte in "\(word)".utf8 {
            guard try peek() == byte else { throw error(.unexpectedByte) }
            offset += 1
        }
        return value
    }

    // MARK: Bytes

    private func peek() throws(JSONError) -> UInt8 {
        guard offset < bytes.count else { throw error(.truncated) }
        return bytes[offset]
    }

    private mutating func take(ifNext expected: Unicode.Scalar) throws(JSONError) -> Bool {
        skipWhiteSpace()
        guard try peek() == UInt8(ascii: expected) else { return false }
        offset += 1
        return true
    }

    private mutating func take(_ expected: Unicode.Scalar) throws(JSONError) {
        guard try take(ifNext: expected) else { throw error(.unexpectedByte) }
    }

    private mutating func skipWhiteSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private func error(_ reason: JSONError.Reason) -> JSONError {
        JSONError(reason: reason, offset: offset)
    }
}

extension UTF8 {
    /// The bytes of a scalar; every scalar has some.
    fileprivate static func encodeOrEmpty(_ scalar: Unicode.Scalar) -> [UInt8] {
        encode(scalar).map(Array.init) ?? []
    }
}
