import Cryptography
import Testing

@Suite("Ed25519")
struct SigningKeyTests {
    struct Vector: Sendable {
        let seed: [UInt8]
        let publicKey: [UInt8]
        let message: [UInt8]
        let signature: [UInt8]
    }

    /// RFC 8032, section 7.1, tests 1 to 3.
    static let vectors = [
        Vector(
            seed: hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
            publicKey: hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
            message: [],
            signature: hex(
                """
                e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
                5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
                """)),
        Vector(
            seed: hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
            publicKey: hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
            message: [0x72],
            signature: hex(
                """
                92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
                085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
                """)),
        Vector(
            seed: hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
            publicKey: hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
            message: [0xaf, 0x82],
            signature: hex(
                """
                6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
                18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a
                """)),
    ]

    @Test("public keys and signatures are those of RFC 8032", arguments: vectors)
    func published(_ vector: Vector) throws {
        let key = try SigningKey(seed: SecretBytes(copying: vector.seed))
        #expect(key.publicKey == vector.publicKey)
        #expect(try key.sign(vector.message) == vector.signature)
        let verification = try VerificationKey(bytes: vector.publicKey)
        #expect(try verification.isValid(vector.signature, of: vector.message))
    }

    @Test("a signature with any one bit changed is refused")
    func changedSignature() throws {
        let vector = SigningKeyTests.vectors[1]
        let key = try VerificationKey(bytes: vector.publicKey)
        for bit in 0..<vector.signature.count * 8 {
            var signature = vector.signature
            signature[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try !key.isValid(signature, of: vector.message), "bit \(bit)")
        }
    }

    @Test("another message, another key and another length are refused")
    func other() throws {
        let key = try SigningKey.generate()
        let signature = try key.sign([1, 2, 3])
        let own = try VerificationKey(bytes: key.publicKey)
        #expect(try own.isValid(signature, of: [1, 2, 3]))
        #expect(try !own.isValid(signature, of: [1, 2, 4]))
        #expect(try !own.isValid(signature, of: []))
        #expect(try !own.isValid(Array(signature.dropLast()), of: [1, 2, 3]))
        #expect(try !own.isValid(signature + [0], of: [1, 2, 3]))
        #expect(try !own.isValid([], of: [1, 2, 3]))
        let stranger = try VerificationKey(bytes: SigningKey.generate().publicKey)
        #expect(try !stranger.isValid(signature, of: [1, 2, 3]))
    }

    @Test("a kept seed makes the same key again, and no two new keys are the same")
    func seeds() throws {
        let key = try SigningKey.generate()
        #expect(try SigningKey(seed: key.seed).publicKey == key.publicKey)
        #expect(try SigningKey.generate().publicKey != key.publicKey)
        #expect("\(key.seed)" == "<secret, 32 bytes>")
    }

    @Test("keys of other lengths are refused", arguments: [0, 31, 33])
    func lengths(_ count: Int) throws {
        let bytes = [UInt8](repeating: 1, count: count)
        #expect(throws: CryptographyError.keyLength(expected: 32, actual: count)) {
            _ = try SigningKey(seed: SecretBytes(copying: bytes))
        }
        #expect(throws: CryptographyError.keyLength(expected: 32, actual: count)) {
            _ = try VerificationKey(bytes: bytes)
        }
    }

    @Test("bytes that are no point of the curve verify nothing")
    func noPoint() throws {
        let key = try VerificationKey(bytes: [2] + [UInt8](repeating: 0, count: 31))
        #expect(try !key.isValid([UInt8](repeating: 0, count: 64), of: []))
    }
}
