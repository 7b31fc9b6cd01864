import Testing

@testable import Cryptography

@Suite("Secret bytes")
struct SecretBytesTests {
    private let bytes = [UInt8]("correct horse".utf8)

    @Test("a copy holds the bytes and leaves the original")
    func copies() {
        let secret = SecretBytes(copying: bytes)
        #expect(secret.count == bytes.count)
        #expect(secret.revealed() == bytes)
    }

    @Test("taking the bytes empties the caller's array")
    func takes() {
        var mine = bytes
        let secret = SecretBytes(taking: &mine)
        #expect(mine.isEmpty)
        #expect(secret.revealed() == bytes)
    }

    @Test("cleansing overwrites an array in place")
    func cleanses() {
        var mine = bytes
        cleanse(&mine)
        #expect(mine == [UInt8](repeating: 0, count: bytes.count))
    }

    @Test("no way of printing shows the bytes")
    func redacted() {
        let secret = SecretBytes(copying: bytes)
        var dumped = ""
        dump([secret], to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\([secret])", dumped] {
            #expect(text.contains("<secret, 13 bytes>"), "\(text)")
            #expect(!text.contains("99"), "the first byte, c, shows in \(text)")
            #expect(!text.contains("horse"))
        }
    }

    @Test("an empty secret lends an address that is not null")
    func empty() {
        let secret = SecretBytes(copying: [UInt8]())
        #expect(secret.count == 0)
        #expect(secret.revealed().isEmpty)
        #expect(secret.withUnsafeBytes { $0.baseAddress != nil })
    }

    @Test("fresh secrets differ")
    func fresh() throws {
        #expect(
            try SecretBytes(randomCount: 32).revealed()
                != SecretBytes(randomCount: 32).revealed()
        )
    }
}
