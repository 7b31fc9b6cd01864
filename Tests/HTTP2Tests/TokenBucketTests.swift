import EventLoops
import Testing

@testable import HTTP2

@Suite struct TokenBucketTests {
    private let begin = Instant(nanoseconds: 1_000_000_000)

    @Test("allows the burst, then only what time refills")
    func burst() {
        var bucket = TokenBucket(.init(burst: 3, perSecond: 2), now: begin)
        for _ in 0..<3 { expect(true, bucket.take(now: begin)) }
        expect(false, bucket.take(now: begin))
        expect(false, bucket.take(now: begin.advanced(by: .milliseconds(999))))
        let second = begin.advanced(by: .seconds(1))
        for _ in 0..<2 { expect(true, bucket.take(now: second)) }
        expect(false, bucket.take(now: second))
    }

    @Test(
        "never holds more than the burst, however long nobody took any",
        arguments: [UInt64(1), .max])
    func longIdle(perSecond: UInt64) {
        var bucket = TokenBucket(.init(burst: 2, perSecond: perSecond), now: begin)
        let late = begin.advanced(by: .seconds(1_000_000))
        for _ in 0..<2 { expect(true, bucket.take(now: late)) }
        expect(false, bucket.take(now: late))
    }

    @Test("time in which some tokens were left counts up to the burst, and not again later")
    func partlyUsed() {
        var bucket = TokenBucket(.init(burst: 3, perSecond: 1), now: begin)
        expect(true, bucket.take(now: begin))
        let late = begin.advanced(by: .seconds(100))
        for _ in 0..<3 { expect(true, bucket.take(now: late)) }
        expect(false, bucket.take(now: late))
    }

    @Test("no window of time passes more than the burst and what it refills")
    func everyWindow() {
        let rate = ConnectionLimits.Rate(burst: 5, perSecond: 2)
        var bucket = TokenBucket(rate, now: begin)
        var taken: [Int] = []
        for step in 0..<400 where bucket.take(now: begin.advanced(by: .milliseconds(step * 50))) {
            taken.append(step * 50)
        }
        for (index, from) in taken.enumerated() {
            let count = taken[index...].prefix { $0 < from + 3000 }.count
            // Refills come once a second: three, and a fourth at the edge.
            #expect(count <= 5 + 2 * 4)
        }
        #expect(taken.count >= 2 * 19)
    }
}

@Suite struct PingStrikesTests {
    private let begin = Instant(nanoseconds: 1_000_000_000)

    private var limits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.pingStrikesMax = 2
        limits.pingIntervalMin = .seconds(10)
        return limits
    }

    @Test("pings at the permitted interval are never too many")
    func patient() {
        var strikes = PingStrikes(limits)
        for index in 0..<100 {
            expect(true, strikes.ping(now: begin.advanced(by: .seconds(index * 10))))
        }
    }

    @Test("hurried pings are too many after the strikes, and counted anew after progress")
    func hurried() {
        var strikes = PingStrikes(limits)
        for _ in 0..<3 { expect(true, strikes.ping(now: begin)) }
        expect(false, strikes.ping(now: begin))
        strikes.reset()
        for _ in 0..<3 { expect(true, strikes.ping(now: begin)) }
        expect(false, strikes.ping(now: begin))
    }
}

/// `#expect` of a mutating call, which the macro does not take.
private func expect(
    _ expected: Bool, _ found: Bool, _ location: SourceLocation = #_sourceLocation
) {
    #expect(found == expected, sourceLocation: location)
}
