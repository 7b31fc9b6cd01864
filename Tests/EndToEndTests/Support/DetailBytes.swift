import Foundation

/// Reads the wire form of a status's details by hand, since `buf curl` prints it in base64.
enum DetailBytes {
    struct Malformed: Error {}

    /// What a `google.rpc.BadRequest` says.
    static func violations(_ base64: String) throws -> [Answer.Violation] {
        try fields(bytes(base64)).filter { $0.number == 1 }.map { violation in
            let parts = try fields(violation.bytes)
            return Answer.Violation(field: text(1, of: parts), description: text(2, of: parts))
        }
    }

    /// The id in a `google.rpc.RequestInfo`.
    static func requestID(_ base64: String) throws -> String {
        text(1, of: try fields(bytes(base64)))
    }

    private static func bytes(_ base64: String) throws -> [UInt8] {
        let padding = String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: base64 + padding) else { throw Malformed() }
        return Array(data)
    }

    private static func text(_ number: Int, of fields: [(number: Int, bytes: [UInt8])]) -> String {
        String(decoding: fields.last { $0.number == number }?.bytes ?? [], as: UTF8.self)
    }

    /// The length-delimited fields of a message that has no others.
    private static func fields(_ bytes: [UInt8]) throws -> [(number: Int, bytes: [UInt8])] {
        var rest = bytes[...]
        func varint() throws -> Int {
            var value = 0
            for shift in stride(from: 0, through: 28, by: 7) {
                guard let byte = rest.popFirst() else { throw Malformed() }
                value |= Int(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw Malformed()
        }
        var result: [(Int, [UInt8])] = []
        while !rest.isEmpty {
            let tag = try varint()
            let length = try varint()
            guard tag & 7 == 2, length <= rest.count else { throw Malformed() }
            result.append((tag >> 3, Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return result
    }
}
