import PostgresClient

extension PostgresValue {
    /// The type to prepare a statement with when this value is its first argument at that place.
    var typeOID: UInt32 {
        switch self {
        case .null, .text: TypeOID.unspecified
        case .uuid: TypeOID.uuid
        case .int32: TypeOID.int4
        case .int64: TypeOID.int8
        case .bool: TypeOID.bool
        case .bytes: TypeOID.bytea
        case .timestamp: TypeOID.timestamptz
        case .textArray: TypeOID.textArray
        }
    }

    /// Appends the value for a place that was prepared as `declared`.
    ///
    /// When the place has another type, because another value came first, the text form goes:
    /// PostgreSQL reads it as whatever type the place has. NULL has no form and fits everywhere.
    func encode(into parameters: inout ParameterBuffer, declared: UInt32?) {
        guard declared == typeOID else {
            if let text = textForm { parameters.appendText(text) } else { parameters.appendNull() }
            return
        }
        switch self {
        case .null: parameters.appendNull()
        case .text(let text): parameters.appendText(text)
        case .uuid(let uuid): parameters.appendHalves(uuid.high, uuid.low)
        case .int32(let value): parameters.appendInt32(value)
        case .int64(let value): parameters.appendInt64(value)
        case .bool(let value): parameters.appendBool(value)
        case .bytes(let bytes): parameters.appendBinary(bytes)
        case .timestamp(let microseconds):
            parameters.appendInt64(PostgresValue.since2000(microseconds))
        case .textArray(let elements):
            parameters.appendBinary(PostgresValue.binaryTextArray(elements))
        }
    }

    /// The value in PostgreSQL's text format; nil for NULL.
    var textForm: String? {
        switch self {
        case .null: nil
        case .text(let text): text
        case .uuid(let uuid): uuid.description
        case .int32(let value): String(value)
        case .int64(let value): String(value)
        case .bool(let value): value ? "t" : "f"
        case .bytes(let bytes): PostgresValue.hexadecimal(bytes)
        case .timestamp(let microseconds):
            CivilTime(microsecondsSince1970: microseconds).description
        case .textArray(let elements): PostgresValue.arrayLiteral(elements)
        }
    }

    /// Saturates: PostgreSQL refuses what lies outside of its range, and its extremes are infinity.
    private static func since2000(_ microseconds: Int64) -> Int64 {
        let (value, overflow) = microseconds.subtractingReportingOverflow(
            TypeOID.microsecondsFrom1970To2000)
        return overflow ? .min : value
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("\\x".utf8)
        text.reserveCapacity(2 + 2 * bytes.count)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func arrayLiteral(_ elements: [String]) -> String {
        let quoted = elements.map { element in
            var text = "\""
            for character in element.unicodeScalars {
                if character == "\"" || character == "\\" { text += "\\" }
                text.unicodeScalars.append(character)
            }
            return text + "\""
        }
        return "{" + quoted.joined(separator: ",") + "}"
    }

    /// The layout of `array_send` (PostgreSQL source, arrayfuncs.c): dimensions, whether it has
    /// NULLs, element type; then for the one dimension its size and lower bound; then the elements.
    private static func binaryTextArray(_ elements: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ value: Int) {
            let bits = UInt32(truncatingIfNeeded: value)
            for shift: UInt32 in [24, 16, 8, 0] {
                bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
            }
        }
        append(elements.isEmpty ? 0 : 1)
        append(0)
        append(Int(TypeOID.text))
        guard !elements.isEmpty else { return bytes }
        append(elements.count)
        append(1)
        for element in elements {
            append(element.utf8.count)
            bytes.append(contentsOf: element.utf8)
        }
        return bytes
    }
}
