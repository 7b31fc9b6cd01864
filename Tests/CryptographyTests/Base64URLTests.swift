import Cryptography
import Testing

@Suite("Base64 for URLs")
struct Base64URLTests {
    @Test(
        "the texts are those of RFC 4648, section 10, without padding",
        arguments: [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
        ]
    )
    func published(_ bytes: String, _ text: String) {
        #expect(Base64URL.encode([UInt8](bytes.utf8)) == text)
        #expect(Base64URL.decode(text) == [UInt8](bytes.utf8))
    }

    @Test("the two letters of the URL alphabet are used")
    func alphabet() {
        #expect(Base64URL.encode([0xfb, 0xff, 0xbf]) == "-_-_")
        #expect(Base64URL.decode("-_-_") == [0xfb, 0xff, 0xbf])
    }

    @Test("random bytes of every short length survive")
    func roundTrip() throws {
        for count in 0..<100 {
            let bytes = try SecureRandom.bytes(count)
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
    }

    @Test(
        "a text that encoding never makes is refused",
        arguments: ["A", "AAAAA", "Zg==", "Zm8=", "Zh", "Zm9", "Z+==", "Zm/v", "Zm 9", "Zmé"]
    )
    func refused(_ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }
}
