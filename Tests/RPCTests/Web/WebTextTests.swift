import HTTP2
import Testing

@testable import RPC

@Suite struct WebTextTests {
    /// Reads a text in pieces of `size`.
    private func decode(_ text: String, pieces size: Int = 1000) throws -> [UInt8] {
        var decoder = WebText.Decoder()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            #expect(try decoder.append(piece.span, bytesMax: 1 << 20) == piece.count)
            rest = rest.dropFirst(size)
        }
        try #require(decoder.isComplete)
        return Array(decoder.bytes.prefix(.max))
    }

    @Test("what is written is read again, whatever the pieces", arguments: 0..<12)
    func roundTrip(count: Int) throws {
        let bytes = (0..<count).map { UInt8($0 * 37 & 255) }
        let text = String(decoding: WebText.encode(bytes), as: UTF8.self)
        #expect(text.utf8.count % 4 == 0)
        for size in 1...5 { #expect(try decode(text, pieces: size) == bytes) }
    }

    @Test("padding may stand in the middle: each text ends by itself")
    func paddingInTheMiddle() throws {
        #expect(try decode("YQ==YmM=ZGVm") == Array("abcdef".utf8))
    }

    @Test(
        "what is no base64 is refused",
        arguments: ["Y===", "====", "YQ=a", "Y Q=", "\u{0}AAA", "-_AA", "YR=="])
    func malformed(text: String) {
        #expect(throws: WebText.Decoder.Malformed.self) { try decode(text) }
    }

    @Test("a group that is not whole is not complete")
    func incomplete() throws {
        var decoder = WebText.Decoder()
        _ = try decoder.append(Array("YWJjZ".utf8).span, bytesMax: 100)
        #expect(!decoder.isComplete)
        #expect(Array(decoder.bytes.prefix(.max)) == Array("abc".utf8))
    }

    @Test("no more is decoded than may wait")
    func bounded() throws {
        var decoder = WebText.Decoder()
        let text = Array(repeating: UInt8(ascii: "A"), count: 4000)
        let count = try decoder.append(text.span, bytesMax: 30)
        #expect(count == 40)
        #expect(decoder.bytes.count == 30)
    }
}
