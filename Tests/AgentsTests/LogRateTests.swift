import EventLoops
import Testing

@testable import Agents

@Suite struct LogRateTests {
    static let start = Instant(nanoseconds: 1_000_000_000)

    @Test("a second's worth may come at once, and what is beyond waits as long as it is worth")
    func burst() {
        var rate = LogRate(bytesPerSecondMax: 1000, now: Self.start)
        let pauses = [400, 600, 500, 250].map { rate.pause(after: $0, now: Self.start) }
        #expect(pauses == [.zero, .zero, .milliseconds(500), .milliseconds(750)])
    }

    @Test("who waits as told goes on at the limit, and who is quiet has a second's worth again")
    func refills() {
        var rate = LogRate(bytesPerSecondMax: 1000, now: Self.start)
        var now = Self.start
        _ = rate.pause(after: 1000, now: now)
        for _ in 0..<10 {
            let pause = rate.pause(after: 100, now: now)
            #expect(pause == .milliseconds(100))
            now = now.advanced(by: pause)
        }
        now = now.advanced(by: .seconds(3600))
        let pauses = [1000, 1].map { rate.pause(after: $0, now: now) }
        #expect(pauses == [.zero, .milliseconds(1)])
    }
}
