import Testing

@testable import Cryptography

@Suite("AES-256-GCM")
struct AES256GCMTests {
    /// Test cases 13 to 16 of "The Galois/Counter Mode of Operation", appendix B.
    struct Vector: Sendable {
        var key: String
        var nonce: String
        var plaintext = ""
        var associatedData = ""
        var ciphertext = ""
        var tag: String
    }

    static let longKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
    static let longPlaintext = """
        d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
        1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39
        """
    static let longCiphertext = """
        522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
        8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
        """
    static let vectors = [
        Vector(
            key: String(repeating: "00", count: 32),
            nonce: String(repeating: "00", count: 12),
            tag: "530f8afbc74536b9a963b4f1c4cb738b"
        ),
        Vector(
            key: String(repeating: "00", count: 32),
            nonce: String(repeating: "00", count: 12),
            plaintext: String(repeating: "00", count: 16),
            ciphertext: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919"
        ),
        Vector(
            key: longKey,
            nonce: "cafebabefacedbaddecaf888",
            plaintext: longPlaintext + "1aafd255",
            ciphertext: longCiphertext + "898015ad",
            tag: "b094dac5d93471bdec1a502270e3cc6c"
        ),
        Vector(
            key: longKey,
            nonce: "cafebabefacedbaddecaf888",
            plaintext: longPlaintext,
            associatedData: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            ciphertext: longCiphertext,
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"
        ),
    ]

    @Test("sealing and opening agree with the published vectors", arguments: vectors)
    func published(_ vector: Vector) throws {
        let key = SecretBytes(copying: hex(vector.key))
        let sealed = hex(vector.nonce) + hex(vector.ciphertext) + hex(vector.tag)
        #expect(
            try AES256GCM.seal(
                hex(vector.plaintext),
                key: key,
                nonce: hex(vector.nonce),
                associatedData: hex(vector.associatedData)
            ) == sealed
        )
        #expect(
            try AES256GCM.open(sealed, key: key, associatedData: hex(vector.associatedData))
                == hex(vector.plaintext)
        )
    }

    @Test("what was sealed opens again", arguments: [0, 1, 15, 16, 17, 1000, AES256GCM.bytesMax])
    func roundTrip(_ count: Int) throws {
        let key = try SecretBytes(randomCount: AES256GCM.keyByteCount)
        let plaintext = try SecureRandom.bytes(count)
        let sealed = try AES256GCM.seal(plaintext, key: key, associatedData: [7])
        #expect(sealed.count == count + AES256GCM.overheadByteCount)
        #expect(try AES256GCM.open(sealed, key: key, associatedData: [7]) == plaintext)
    }

    @Test("the same plaintext never seals twice to the same nonce")
    func freshNonce() throws {
        let key = try SecretBytes(randomCount: AES256GCM.keyByteCount)
        let nonces = try (0..<200).map { _ in
            try AES256GCM.seal([1, 2, 3], key: key, associatedData: []).prefix(12)
        }
        #expect(Set(nonces).count == 200)
    }

    @Test("one flipped bit anywhere is not authentic")
    func altered() throws {
        let key = try SecretBytes(randomCount: AES256GCM.keyByteCount)
        let sealed = try AES256GCM.seal([UInt8]("hunter2".utf8), key: key, associatedData: [1, 2])
        for bit in 0..<(sealed.count * 8) {
            var altered = sealed
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: CryptographyError.notAuthentic, "bit \(bit)") {
                try AES256GCM.open(altered, key: key, associatedData: [1, 2])
            }
        }
    }

    @Test("cut bytes are not authentic")
    func cut() throws {
        let key = try SecretBytes(randomCount: AES256GCM.keyByteCount)
        let sealed = try AES256GCM.seal([UInt8]("hunter2".utf8), key: key, associatedData: [])
        for count in 0..<sealed.count {
            #expect(throws: CryptographyError.notAuthentic, "\(count) bytes left") {
                try AES256GCM.open([UInt8](sealed.prefix(count)), key: key, associatedData: [])
            }
        }
    }

    @Test("another key or other associated data is not authentic")
    func otherKeyOrData() throws {
        let key = try SecretBytes(randomCount: AES256GCM.keyByteCount)
        let other = try SecretBytes(randomCount: AES256GCM.keyByteCount)
        let sealed = try AES256GCM.seal([1, 2, 3], key: key, associatedData: [1])
        #expect(throws: CryptographyError.notAuthentic) {
            try AES256GCM.open(sealed, key: other, associatedData: [1])
        }
        for data: [UInt8] in [[], [2], [1, 1]] {
            #expect(throws: CryptographyError.notAuthentic) {
                try AES256GCM.open(sealed, key: key, associatedData: data)
            }
        }
    }

    @Test("a key of the wrong length is refused", arguments: [0, 16, 31, 33])
    func keyLength(_ count: Int) throws {
        let key = try SecretBytes(randomCount: count)
        let refusal = CryptographyError.keyLength(expected: 32, actual: count)
        #expect(throws: refusal) { try AES256GCM.seal([1], key: key, associatedData: []) }
        #expect(throws: refusal) {
            try AES256GCM.open([UInt8](repeating: 0, count: 40), key: key, associatedData: [])
        }
    }

    @Test("a plaintext or associated data past the limit is refused")
    func tooLong() throws {
        let key = try SecretBytes(randomCount: AES256GCM.keyByteCount)
        let long = [UInt8](repeating: 0, count: AES256GCM.bytesMax + 1)
        let refusal = CryptographyError.tooLong(limit: long.count - 1, actual: long.count)
        #expect(throws: refusal) { try AES256GCM.seal(long, key: key, associatedData: []) }
        #expect(throws: refusal) { try AES256GCM.seal([], key: key, associatedData: long) }
    }
}
