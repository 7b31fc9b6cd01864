import EventLoops
import Testing

@testable import Agents

@Suite struct TailRateTests {
    @Test(
        "so many at once, then one whenever its part of a minute is over, and never more saved up")
    func rate() {
        var now = Instant.now()
        var rate = TailRate(burstMax: 3, perMinuteMax: 60, now: now)
        func admitted(_ count: Int) -> Int { (0..<count).count { _ in rate.admits(now: now) } }
        #expect(admitted(5) == 3)
        now = now.advanced(by: .milliseconds(900))
        #expect(admitted(1) == 0)
        now = now.advanced(by: .milliseconds(200))
        #expect(admitted(2) == 1)
        now = now.advanced(by: .seconds(3600))
        #expect(admitted(9) == 3)
    }
}
