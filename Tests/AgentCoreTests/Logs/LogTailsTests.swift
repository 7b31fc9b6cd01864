import BerthMessages
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

@Suite struct LogTailsTests {
    private static func ended(_ sink: Sink, _ reactor: Reactor) async throws {
        try await eventually(reactor) { sink.hasEnded }
    }

    @Test("lines come in bounded chunks, in order, and then the end")
    func chunks() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.output = (0..<1000).map { "line \($0) " + String(repeating: "x", count: 500) }
            let sink = Sink()
            let tails = LogTails(engine: engine, sink: sink)
            tails.take(LogOrder(id: "r", Sample.service, tail: 900), on: loop)
            try await LogTailsTests.ended(sink, reactor)
            let lines = sink.chunks.flatMap(\.lines)
            #expect(lines.count == 900)
            #expect(lines.first?.text.hasPrefix("line 100 ") == true)
            for chunk in sink.chunks {
                #expect(chunk.requestID == "r")
                #expect(chunk.lines.count <= LogTails.chunkLinesMax)
                let bytes = chunk.lines.reduce(0) { $0 + $1.text.utf8.count }
                #expect(bytes <= LogTails.chunkBytesMax)
            }
        }
    }

    @Test("a service without a container is told so")
    func nothing() async throws {
        try await onLoop { loop, reactor in
            let sink = Sink()
            let tails = LogTails(engine: FakeEngine(), sink: sink)
            tails.take(LogOrder(id: "r", Sample.service, tail: 1), on: loop)
            try await LogTailsTests.ended(sink, reactor)
            #expect(sink.chunks.last?.error == "NO_CONTAINER")
        }
    }
}
