import Cryptography
import Testing

@Suite("Random bytes")
struct SecureRandomTests {
    @Test("both generators give as many bytes as asked", arguments: [0, 1, 12, 32, 1000])
    func count(_ count: Int) throws {
        #expect(try SecureRandom.bytes(count).count == count)
        #expect(try SecureRandom.privateBytes(count).count == count)
    }

    @Test("no draw repeats another")
    func noRepeats() throws {
        var seen = Set<[UInt8]>()
        for _ in 0..<500 {
            seen.insert(try SecureRandom.bytes(16))
            seen.insert(try SecureRandom.privateBytes(16))
        }
        #expect(seen.count == 1000)
    }

    @Test("every bit of a long draw is about as often set as not")
    func balanced() throws {
        let draws = try (0..<2000).map { _ in try SecureRandom.bytes(4) }
        for bit in 0..<32 {
            let set = draws.count { $0[bit / 8] >> UInt8(bit % 8) & 1 == 1 }
            // Ten standard deviations around the half: a fair generator never leaves it.
            #expect((776...1224).contains(set), "bit \(bit) was set \(set) times of 2000")
        }
    }

    @Test("a draw past the limit is refused")
    func limit() {
        let limit = SecureRandom.bytesMax
        #expect(throws: CryptographyError.tooLong(limit: limit, actual: limit + 1)) {
            try SecureRandom.bytes(limit + 1)
        }
    }
}
