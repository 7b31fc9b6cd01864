import Testing

@testable import HTTP2

@Suite struct StreamIDSequenceTests {
    private func verdicts(_ ids: [Int32]) -> [Bool] {
        var sequence = StreamIDSequence()
        return ids.map { sequence.take($0) }
    }

    @Test("ids that rise are taken, and again for trailers")
    func rising() {
        #expect(verdicts([1, 3, 3, 5, 1, 5]) == [true, true, true, true, true, true])
    }

    @Test("an id that was passed over is refused")
    func passedOver() {
        #expect(verdicts([5, 3]) == [true, false])
        #expect(verdicts([1, 9, 11, 7, 9]) == [true, true, true, false, true])
    }

    @Test("passing over ids again and again is refused in the end")
    func manyGaps() {
        let found = verdicts((1...100).map { Int32($0 * 4 + 1) })
        #expect(found.first == true)
        #expect(found.last == false)
    }

    @Test("the highest id is taken without overflow")
    func highest() {
        #expect(verdicts([.max, .max, .max - 2]) == [true, true, false])
        #expect(verdicts([.max - 1, .max]) == [true, true])
    }
}
