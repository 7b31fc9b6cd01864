public import HTTP2

/// The custom fields that travel beside a call's messages: names in lower case, several values a
/// name allowed, order kept.
///
/// A name that ends in `-bin` has bytes for values, any other has printable ASCII. What HTTP/2 and
/// gRPC keep for themselves (`:path`, `content-type`, `te`, `grpc-…`) is not part of it.
public struct Metadata: Sendable {
    private var block = HeaderBlock()

    /// Makes empty metadata.
    public init() {}

    /// Makes metadata of text fields, for tests: `["authorization": "Bearer …"]`.
    public init(_ fields: KeyValuePairs<String, String>) {
        for (name, value) in fields { append(name, value) }
    }

    /// Shows the custom fields of a header section that arrived.
    public init(_ block: HeaderBlock) { self.block = block }

    /// Adds a text value.
    ///
    /// - Parameters:
    ///   - name: Lower-case letters, digits, `-`, `_` and `.`; not ending in `-bin`.
    ///   - value: Printable ASCII; spaces at its ends are not kept by peers.
    /// - Returns: Whether it was added; false when either is malformed or the name is reserved.
    @discardableResult
    public mutating func append(_ name: String, _ value: String) -> Bool {
        guard Metadata.isCustomName(name), !name.hasSuffix("-bin") else { return false }
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E }) else { return false }
        block.append(name: Array(name.utf8).span, value: Array(value.utf8).span)
        return true
    }

    /// Adds a value of any bytes.
    ///
    /// - Parameter name: As in ``append(_:_:)``, but ending in `-bin`.
    /// - Returns: Whether it was added; false when the name is malformed or reserved.
    @discardableResult
    public mutating func append(_ name: String, binary value: [UInt8]) -> Bool {
        guard Metadata.isCustomName(name), name.hasSuffix("-bin") else { return false }
        block.append(name: Array(name.utf8).span, value: MetadataBase64.encode(value).span)
        return true
    }

    /// The first value of a text field.
    public subscript(name: String) -> String? {
        firstBytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of the first value of a field, as they were sent; no string is made.
    public func firstBytes(_ name: String) -> ArraySlice<UInt8>? {
        for field in block.fields where isNamed(field, name) { return block.storage[field.value] }
        return nil
    }

    /// All values of a text field, in order.
    public func values(_ name: String) -> [String] {
        block.fields.filter { isNamed($0, name) }.map {
            String(decoding: block.storage[$0.value], as: UTF8.self)
        }
    }

    /// All values of a `-bin` field, in order; a field with commas holds several.
    /// - Throws: ``RPCStatus`` INTERNAL when a value is not base64. A server's handlers never see one: the
    ///   request is refused.
    public func binaryValues(_ name: String) throws(RPCStatus) -> [[UInt8]] {
        var values: [[UInt8]] = []
        for field in block.fields where isNamed(field, name) {
            guard let found = Metadata.binaryValues(in: block.storage[field.value]) else {
                throw RPCStatus(.internal, "metadata \(name) is not base64")
            }
            values += found
        }
        return values
    }

    /// The values of one `-bin` field; nil when one of them is not base64.
    static func binaryValues(in list: ArraySlice<UInt8>) -> [[UInt8]]? {
        var values: [[UInt8]] = []
        for part in list.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard let bytes = MetadataBase64.decode(trimmed(part)) else { return nil }
            values.append(bytes)
        }
        return values
    }

    /// The names of the custom fields in order, once for each value.
    public var names: [String] {
        block.fields.filter(Metadata.isCustom).map {
            String(decoding: block.storage[$0.name], as: UTF8.self)
        }
    }

    /// Whether there is no custom field.
    public var isEmpty: Bool { !block.fields.contains(where: Metadata.isCustom) }

    /// Adds the custom fields to a header section that is to be sent.
    func append(to target: inout HeaderBlock) {
        for field in block.fields where Metadata.isCustom(field) {
            target.append(
                name: block.storage.span.extracting(field.name),
                value: block.storage.span.extracting(field.value)
            )
        }
    }

    private func isNamed(_ field: HeaderBlock.Field, _ name: String) -> Bool {
        field.name.count == name.utf8.count && Metadata.isCustom(field)
            && zip(field.name, name.utf8).allSatisfy { block.storage[$0] == $1 }
    }

    private static func isCustom(_ field: HeaderBlock.Field) -> Bool {
        switch field.token {
        case .other, .userAgent, .authorization, .acceptEncoding: true
        default: false
        }
    }

    private static func isCustomName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        let isWellFormed = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isWellFormed else { return false }
        switch HeaderToken(of: bytes.span) {
        case .other, .userAgent, .authorization, .acceptEncoding: return !bytes.isEmpty
        default: return false
        }
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text
        while text.first == UInt8(ascii: " ") { text.removeFirst() }
        while text.last == UInt8(ascii: " ") { text.removeLast() }
        return text
    }
}
