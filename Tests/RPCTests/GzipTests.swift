import Testing

@testable import RPC

@Suite struct GzipTests {
    private func compressed(_ bytes: [UInt8], _ gzip: Gzip = Gzip()) throws -> [UInt8] {
        try gzip.compress(bytes.span)
    }

    @Test("any bytes come back, one message after another through the same state")
    func roundTrip() throws {
        let gzip = Gzip()
        var generator = SystemRandomNumberGenerator()
        for count in [0, 1, 100, 5000, 300_000, 7] {
            let random = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            for bytes in [random, [UInt8](repeating: 3, count: count)] {
                let small = try compressed(bytes, gzip)
                #expect(try gzip.decompress(small.span, bytesMax: 300_000) == bytes)
            }
        }
    }

    @Test("compression leaves room in front")
    func room() throws {
        let output = try Gzip().compress([UInt8](repeating: 0, count: 1000).span, after: 3)
        #expect(output.prefix(5) == [0, 0, 0, 0x1F, 0x8B])
        #expect(output.count < 60)
    }

    @Test("a bomb stops at the limit")
    func bomb() throws {
        let bomb = try compressed([UInt8](repeating: 0, count: 1_000_000))
        #expect(bomb.count < 20_000)
        #expect(throws: GzipError.tooLarge) { try Gzip().decompress(bomb.span, bytesMax: 100_000) }
        #expect(try Gzip().decompress(bomb.span, bytesMax: 1_000_000).count == 1_000_000)
        #expect(throws: GzipError.tooLarge) {
            try Gzip().decompress(bomb.span, bytesMax: 999_999)
        }
    }

    @Test("what is cut short, goes on, or is no gzip is refused")
    func malformed() throws {
        let good = try compressed(Array("hello, hello, hello".utf8))
        for count in 0..<good.count {
            #expect(throws: GzipError.self) {
                try Gzip().decompress(Array(good.prefix(count)).span, bytesMax: 1000)
            }
        }
        #expect(throws: GzipError.wrongLength) {
            try Gzip().decompress((good + [0]).span, bytesMax: 1000)
        }
        #expect(throws: GzipError.self) {
            try Gzip().decompress(Array("not gzip at all".utf8).span, bytesMax: 1000)
        }
    }

    @Test("a failure leaves the state fit for the next message")
    func afterFailure() throws {
        let gzip = Gzip()
        #expect(throws: GzipError.self) {
            try gzip.decompress([0x1F, 0x8B, 9, 9, 9].span, bytesMax: 10)
        }
        let good = try compressed([1, 2, 3])
        #expect(try gzip.decompress(good.span, bytesMax: 10) == [1, 2, 3])
    }
}
