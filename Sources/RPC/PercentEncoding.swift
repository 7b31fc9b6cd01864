/// The encoding of `grpc-message`: UTF-8, with all but printable ASCII and `%` escaped.
enum PercentEncoding {
    /// The encoded form of `text`, cut before the character with which it would exceed `bytesMax`.
    static func encode(_ text: String, bytesMax: Int) -> [UInt8] {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(min(text.utf8.count, bytesMax))
        for scalar in text.unicodeScalars {
            let before = encoded.count
            for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                if byte >= 0x20, byte <= 0x7E, byte != UInt8(ascii: "%") {
                    encoded.append(byte)
                } else {
                    encoded.append(UInt8(ascii: "%"))
                    encoded.append(digits[Int(byte >> 4)])
                    encoded.append(digits[Int(byte & 15)])
                }
            }
            if encoded.count > bytesMax {
                encoded.removeLast(encoded.count - before)
                break
            }
        }
        // HTTP/2 peers may trim or refuse spaces at a value's ends.
        escapeSpaceAtEnds(&encoded)
        return encoded
    }

    /// The text that `encoded` stands for; what is not a valid escape stays as it is.
    static func decode(_ encoded: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count)
        var index = encoded.startIndex
        while index < encoded.endIndex {
            if encoded[index] == UInt8(ascii: "%"), index + 2 < encoded.endIndex,
                let high = value(encoded[index + 1]), let low = value(encoded[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(encoded[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func escapeSpaceAtEnds(_ encoded: inout [UInt8]) {
        let space = UInt8(ascii: " ")
        let escaped = Array("%20".utf8)
        if encoded.last == space { encoded.replaceSubrange((encoded.count - 1)..., with: escaped) }
        if encoded.first == space { encoded.replaceSubrange(..<1, with: escaped) }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static let digits = Array("0123456789ABCDEF".utf8)
}
