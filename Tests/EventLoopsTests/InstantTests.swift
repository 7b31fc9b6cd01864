import EventLoops
import Testing

@Suite struct InstantTests {
    @Test("an instant advanced beyond the clock's end saturates")
    func saturates() {
        let late = Instant(nanoseconds: .max - 1).advanced(by: .seconds(1))
        #expect(late.nanoseconds == .max)
        let early = Instant(nanoseconds: .min + 1).advanced(by: .seconds(-1))
        #expect(early.nanoseconds == .min)
    }

    @Test("a duration too long for nanoseconds is clamped")
    func clamps() {
        #expect(Duration.seconds(Int64.max).nanosecondsClamped == .max)
        #expect(Duration.seconds(Int64.min).nanosecondsClamped == .min)
        #expect(Duration.milliseconds(-3).nanosecondsClamped == -3_000_000)
    }
}
