import BerthMessages
import Domain
import Messages
import Testing

@testable import AgentCore

@Suite struct ReportQueueTests {
    private func progress(
        _ state: JobProgress.State, _ message: String, token: Int64 = 1
    ) -> AgentV1.Report.Kind {
        .jobProgress(
            AgentV1.JobProgress(
                JobProgress(
                    reference: Sample.reference(token), serviceID: Sample.service, state: state,
                    message: message)))
    }

    @Test("progress of the same state is replaced, every state and every job is told in order")
    func progress() {
        var queue = ReportQueue()
        queue.add(progress(.pulling, "1 of 2"))
        queue.add(progress(.pulling, "2 of 2"))
        queue.add(progress(.starting, "now"))
        queue.add(progress(.pulling, "1 of 9", token: 2))
        #expect(queue.next() == progress(.pulling, "2 of 2"))
        #expect(queue.next() == progress(.starting, "now"))
        #expect(queue.next() == progress(.pulling, "1 of 9", token: 2))
        #expect(queue.next() == nil)
    }

    @Test("one inventory waits, and bounded refusals and logs")
    func bounds() {
        var queue = ReportQueue()
        for _ in 0..<1000 {
            queue.add(.inventory(AgentV1.Inventory()))
            queue.add(.jobRefusal(AgentV1.JobRefusal()))
            if queue.hasRoomForLogs { queue.add(.logChunk(AgentV1.LogChunk())) }
        }
        var count = 0
        while queue.next() != nil { count += 1 }
        #expect(count == 1 + ReportQueue.refusalsMax + ReportQueue.logChunksMax)
    }

    @Test("a message becomes one line without NUL, of bounded length")
    func oneLine() {
        let message = AgentV1.JobProgress(
            JobProgress(
                reference: Sample.reference(1), serviceID: Sample.service, state: .failed,
                message: "a\nb\0c" + String(repeating: "é", count: 10_000)))
        #expect(message.message.hasPrefix("a b cé"))
        #expect(message.message.utf8.count <= AgentV1.JobProgress.messageBytesMax + 3)
    }
}
