import EventLoops
import Testing

@testable import AgentCore

@Suite struct StreamPausesTests {
    @Test("streams that end at once wait longer each time, though each was opened")
    func grows() {
        var pauses = StreamPauses()
        let short = Duration.milliseconds(200)
        let seen = (0..<8).map {
            $0.isMultiple(of: 2) ? pauses.next(after: short) : pauses.next(after: nil)
        }
        #expect(seen.map(\.components.seconds) == [0, 1, 2, 4, 8, 16, 30, 30])
        // Ten streams that end at once take minutes, and not seconds.
        #expect(seen.reduce(.zero, +) > .seconds(90))
    }

    @Test("after a stream that was open for a while they begin anew")
    func calms() {
        var pauses = StreamPauses()
        for _ in 0..<5 { _ = pauses.next(after: nil) }
        #expect(pauses.next(after: StreamPauses.calmMin) == StreamPauses.pauseMin)
        #expect(pauses.next(after: nil) == StreamPauses.pauseMin * 2)
    }
}
