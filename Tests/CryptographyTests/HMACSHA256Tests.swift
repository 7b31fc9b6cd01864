import Cryptography
import Testing

@Suite("HMAC with SHA-256")
struct HMACSHA256Tests {
    /// RFC 4231, sections 4.2, 4.3, 4.5 and 4.7.
    static let vectors: [(key: [UInt8], message: [UInt8], tag: [UInt8])] = [
        (
            [UInt8](repeating: 0x0b, count: 20), [UInt8]("Hi There".utf8),
            hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        ),
        (
            [UInt8]("Jefe".utf8), [UInt8]("what do ya want for nothing?".utf8),
            hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        ),
        (
            [UInt8](1...25), [UInt8](repeating: 0xcd, count: 50),
            hex("82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b")
        ),
        (
            [UInt8](repeating: 0xaa, count: 131),
            [UInt8]("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        ),
    ]

    @Test("the tags are those of RFC 4231", arguments: vectors)
    func published(_ key: [UInt8], _ message: [UInt8], _ tag: [UInt8]) throws {
        #expect(try HMACSHA256.tag(message, key: SecretBytes(copying: key)) == tag)
    }

    @Test("an empty key and an empty message are allowed")
    func empty() throws {
        let tag = try HMACSHA256.tag([], key: SecretBytes(copying: [UInt8]()))
        #expect(tag == hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"))
    }
}
