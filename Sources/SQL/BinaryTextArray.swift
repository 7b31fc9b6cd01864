/// Reads the layout of `array_send` for an array of text.
enum BinaryTextArray {
    /// The elements; nil when the bytes are not an array of at most one dimension without NULLs.
    static func decode(_ bytes: [UInt8]) -> [String]? {
        var rest = bytes[...]
        func integer() -> Int? {
            guard rest.count >= 4 else { return nil }
            let bits = rest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            rest = rest.dropFirst(4)
            return Int(Int32(bitPattern: bits))
        }
        guard let dimensions = integer(), integer() != nil, integer() != nil else { return nil }
        if dimensions == 0 { return [] }
        guard dimensions == 1, let count = integer(), integer() != nil, count >= 0 else {
            return nil
        }
        var elements: [String] = []
        for _ in 0..<count {
            guard let length = integer(), length >= 0, length <= rest.count else { return nil }
            guard let text = String(validating: rest.prefix(length), as: UTF8.self) else {
                return nil
            }
            elements.append(text)
            rest = rest.dropFirst(length)
        }
        return elements
    }
}
