import Cryptography
import Testing

@Suite("Key derivation")
struct KeyDerivationTests {
    @Test("HKDF gives the keys of RFC 5869, appendix A.1")
    func withSaltAndInfo() throws {
        let key = try KeyDerivation.hkdfSHA256(
            secret: SecretBytes(copying: [UInt8](repeating: 0x0b, count: 22)),
            salt: hex("000102030405060708090a0b0c"),
            info: hex("f0f1f2f3f4f5f6f7f8f9"),
            count: 42
        )
        let expected = """
            3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865
            """
        #expect(key.revealed() == hex(expected))
    }

    @Test("HKDF gives the keys of RFC 5869, appendix A.3, without salt and info")
    func withoutSaltAndInfo() throws {
        let key = try KeyDerivation.hkdfSHA256(
            secret: SecretBytes(copying: [UInt8](repeating: 0x0b, count: 22)),
            salt: [],
            info: [],
            count: 42
        )
        let expected = """
            8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8
            """
        #expect(key.revealed() == hex(expected))
    }

    @Test("another purpose gives an unrelated key")
    func info() throws {
        let secret = try SecretBytes(randomCount: 32)
        let keys = try ["seal", "fingerprint"].map {
            try KeyDerivation.hkdfSHA256(
                secret: secret,
                salt: [],
                info: [UInt8]($0.utf8),
                count: 32
            ).revealed()
        }
        #expect(keys[0] != keys[1])
    }

    @Test("more than 255 blocks are refused")
    func limit() throws {
        let secret = try SecretBytes(randomCount: 32)
        let limit = KeyDerivation.hkdfSHA256BytesMax
        #expect(throws: CryptographyError.tooLong(limit: limit, actual: limit + 1)) {
            try KeyDerivation.hkdfSHA256(secret: secret, salt: [], info: [], count: limit + 1)
        }
        let longest = try KeyDerivation.hkdfSHA256(secret: secret, salt: [], info: [], count: limit)
        #expect(longest.count == limit)
    }

    @Test("OpenSSL's refusal arrives with its function and its reason")
    func refusal() throws {
        let error = #expect(throws: CryptographyError.self) {
            try KeyDerivation.hkdfSHA256(
                secret: SecretBytes(copying: [1]),
                salt: [],
                info: [],
                count: 0
            )
        }
        guard case .library(let function, let reasons) = error else {
            Issue.record("expected a refusal by OpenSSL, got \(String(describing: error))")
            return
        }
        #expect(function.hasPrefix("EVP_PKEY_"))
        #expect(!reasons.isEmpty)
        #expect(error?.description.hasPrefix("\(function): error:") == true)
    }
}
