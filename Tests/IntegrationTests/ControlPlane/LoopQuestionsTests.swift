import EventLoops
import TestSupport
import Testing

@testable import ControlPlane

@Suite struct LoopQuestionsTests {
    @Test("a loop answers on its own thread")
    func answers() async throws {
        let questions = LoopQuestions<Bool>()
        let asked = try EventLoop()
        defer { asked.stop() }
        try asked.runOnNewThread { _, _ in
        } failed: { _ in
        }
        let found = await questions.ask(asked) { asked.executor.isOnLoop }
        #expect(found == true)
    }

    @Test("a loop that leaves before it answers answers nothing, and so does one that has left")
    func leaves() async throws {
        // Nobody turns this one: what it is asked stays undone, as with one that has stopped.
        let stopped = try EventLoop()
        let questions = LoopQuestions<Int>()
        let found = try await onLoop { _, reactor in
            reactor.schedule(after: .milliseconds(20)) { questions.leave(stopped) }
            return await questions.ask(stopped) { 1 }
        }
        #expect(found == nil)
        let later = await questions.ask(stopped) { 1 }
        #expect(later == nil)
    }
}
