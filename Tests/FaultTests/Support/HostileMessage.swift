import RPC

/// The body of a request that no honest client sends, and the status that it shall get.
struct HostileMessage {
    let name: String
    /// Prefixes included.
    let body: [UInt8]
    var isGzip = false
    let expected: StatusCode

    init(_ name: String, _ message: [UInt8], _ expected: StatusCode) {
        self.init(name, body: CallingClient.framed(message), expected)
    }

    init(_ name: String, body: some Sequence<UInt8>, isGzip: Bool = false, _ expected: StatusCode) {
        self.name = name
        self.body = Array(body)
        self.isGzip = isGzip
        self.expected = expected
    }
}

/// Protobuf's encoding by hand, so that it can be wrong.
enum WireField {
    static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func tag(_ number: UInt64, _ wireType: UInt64) -> [UInt8] {
        varint(number << 3 | wireType)
    }

    static func bytes(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
        tag(number, 2) + varint(UInt64(content.count)) + content
    }

    static func text(_ number: UInt64, _ text: String) -> [UInt8] {
        bytes(number, Array(text.utf8))
    }
}
