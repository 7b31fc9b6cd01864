import Cryptography
import Testing

@Suite("Constant-time comparison")
struct ConstantTimeTests {
    @Test("equal bytes are equal, the empty ones too")
    func equal() {
        #expect(constantTimeEquals([], []))
        #expect(constantTimeEquals([1, 2, 3], [1, 2, 3]))
    }

    @Test("a difference anywhere is seen, and so is a different length")
    func different() {
        let bytes = [UInt8](0..<32)
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x80
            #expect(!constantTimeEquals(bytes, other))
        }
        #expect(!constantTimeEquals(bytes, [UInt8](bytes.dropLast())))
        #expect(!constantTimeEquals([], [0]))
    }
}
