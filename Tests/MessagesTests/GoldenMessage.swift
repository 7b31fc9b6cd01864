import Messages
import Testing

/// Bytes that another implementation of protobuf made, and the type that they are of.
struct GoldenMessage: Sendable, CustomTestStringConvertible {
    let typeName: String
    let bytes: [UInt8]
    /// Decodes bytes as the type and encodes the value again.
    let recode: @Sendable ([UInt8], MessageLimits) throws -> [UInt8]
    /// Whether decoding what encoding made gives the value that was encoded.
    let isStable: @Sendable ([UInt8]) throws -> Bool
    /// The names and values of the properties that decoding sets.
    let properties: @Sendable () throws -> [(name: String, value: Any)]

    init<M: Message>(_ type: M.Type, _ hexadecimal: String) {
        let bytes = [UInt8](hexadecimal: hexadecimal)
        typeName = M.descriptor.fullName
        self.bytes = bytes
        recode = { bytes, limits in
            try Wire.encode(Wire.decode(M.self, from: bytes, limits: limits), limits: limits)
        }
        isStable = { bytes in
            let message = try Wire.decode(M.self, from: bytes)
            return try Wire.decode(M.self, from: Wire.encode(message)) == message
        }
        properties = {
            let message = try Wire.decode(M.self, from: bytes)
            return Mirror(reflecting: message).children.map { ($0.label ?? "", $0.value) }
        }
    }

    var testDescription: String { typeName }
}

extension [UInt8] {
    /// The bytes of pairs of hexadecimal digits; white space is passed over.
    init(hexadecimal: String) {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        self = stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(digits[$0] * 16 + digits[$0 + 1])
        }
    }
}
