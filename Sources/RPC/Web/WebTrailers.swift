import HTTP2

/// The last frame of a gRPC-Web response: what would be HTTP/2 trailers, as text.
enum WebTrailers {
    /// Set in the flag byte of the frame.
    static let flag: UInt8 = 0x80

    /// The frame: flag, length, and a line `name: value` for each field, in lower case; never
    /// compressed.
    static func frame(_ trailers: HeaderBlock) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: MessageFraming.prefixBytes)
        for field in trailers.fields {
            bytes += trailers.storage[field.name]
            bytes += [UInt8(ascii: ":"), UInt8(ascii: " ")]
            bytes += trailers.storage[field.value]
            bytes += [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
        }
        MessageFraming.setPrefix(of: &bytes, isCompressed: false)
        bytes[0] = flag
        return bytes
    }
}
