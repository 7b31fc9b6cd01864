import EventLoops
import TestSupport
import Testing

@testable import DockerEngine

@Suite(.timeLimit(.minutes(5))) struct StreamTests {
    private static let soon = Duration.seconds(20)

    private func event(_ number: Int) -> String {
        #"{"Type":"container","Action":"start","Actor":{"ID":"c\#(number)","#
            + #""Attributes":{"name":"n"}},"timeNano":\#(number)}"#
    }

    @Test func eventsComeAsTheyHappenHoweverTheyAreCut() async throws {
        let second = Signal()
        let (one, two) = (event(1), event(2))
        let engine = try FakeEngine(afterVersion: { _ in
            [
                .send(Answers.chunkedHead()),
                .send(Answers.chunk(Array((one + "\n" + two.prefix(9)).utf8))),
                .wait(second),
                .send(Answers.chunk(Array((two.dropFirst(9) + "\n").utf8)) + Answers.lastChunk),
            ]
        })
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let events = try await docker.events()
            let first = try #require(try await events.next(within: Self.soon))
            #expect((first.type, first.action, first.id) == ("container", "start", "c1"))
            #expect((first.attributes, first.nanoseconds) == (["name": "n"], 1))
            // A wait that ends at its deadline loses nothing.
            let late = await thrown { () throws(DockerError) in
                try await events.next(within: .milliseconds(20))
            }
            #expect(late?.kind == .timedOut)
            second.set()
            #expect(try await events.next(within: Self.soon)?.id == "c2")
            #expect(try await events.next(within: Self.soon) == nil)
            #expect(try await events.next(within: Self.soon) == nil)
        }
    }

    @Test func anEventStreamMayBeSilentBeforeItsFirstEventOrRefused() async throws {
        let first = Signal()
        let bytes = Answers.chunkedHead() + Answers.chunk(Array((event(1) + "\n").utf8))
        let engine = try FakeEngine(afterVersion: { request in
            request.contains("since=")
                ? [.send(Answers.json(#"{"message":"since when?"}"#, status: "400 Bad"))]
                : [.wait(first), .send(bytes)]
        })
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let events = try await docker.events()
            let late = await thrown { () throws(DockerError) in
                try await events.next(within: .milliseconds(20))
            }
            #expect(late?.kind == .timedOut)
            first.set()
            #expect(try await events.next(within: Self.soon)?.id == "c1")
            let refused = try await docker.events(sinceNanoseconds: 1)
            let error = await thrown { () throws(DockerError) in
                try await refused.next(within: Self.soon)
            }
            #expect((error?.kind, error?.status) == (.refused, 400))
        }
    }

    @Test func anEventStreamThatBreaksSaysSo() async throws {
        let bytes = Answers.chunkedHead() + Answers.chunk(Array((event(1) + "\n").utf8))
        let engine = try FakeEngine(answering: bytes, thenCloses: true)
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let events = try await docker.events()
            #expect(try await events.next(within: Self.soon)?.id == "c1")
            let error = await thrown { () throws(DockerError) in
                try await events.next(within: Self.soon)
            }
            #expect(error?.kind == .interrupted)
        }
    }

    @Test(arguments: ["{]\n", "{\"Type\":1}\n", "[1]\n"])
    func anEventOfAnotherShapeEndsTheStream(_ line: String) async throws {
        let never = Signal()
        let engine = try FakeEngine(afterVersion: { _ in
            [.send(Answers.chunkedHead() + Answers.chunk(Array(line.utf8))), .wait(never)]
        })
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let events = try await docker.events()
            let error = await thrown { () throws(DockerError) in
                try await events.next(within: Self.soon)
            }
            #expect(error?.kind == .malformed)
            #expect(docker.requestCount == 0)
        }
    }

    @Test func aLineWithoutEndIsRefused() async throws {
        let piece = Answers.chunk([UInt8](repeating: 0x20, count: 65536))
        let engine = try FakeEngine(afterVersion: { _ in
            [.send(Answers.chunkedHead()), .flood(piece, total: 64 * 1024 * 1024)]
        })
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let events = try await docker.events()
            let error = await thrown { () throws(DockerError) in
                try await events.next(within: Self.soon)
            }
            #expect(error?.kind == .tooLarge)
            #expect(docker.requestCount == 0)
        }
    }

    @Test func aDroppedStreamEndsItsTransfer() async throws {
        let never = Signal()
        let engine = try FakeEngine(afterVersion: { _ in
            [.send(Answers.chunkedHead()), .wait(never)]
        })
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            do {
                let events = try await docker.events()
                #expect(docker.requestCount == 1)
                _ = events
            }
            #expect(docker.requestCount == 0)
            let logs = try await docker.logs(of: "c")
            logs.close()
            #expect(docker.requestCount == 0)
            let error = await thrown { () throws(DockerError) in
                try await logs.next(within: Self.soon)
            }
            #expect(error?.kind == .cancelled)
        }
    }

    @Test func pullProgressIsToldAsItComesAndAFailureInsideIsAnError() async throws {
        let lines =
            #"{"status":"Pulling from x","id":"16"}"# + "\r\n"
            + #"{"status":"Downloading","progressDetail":{"current":5,"total":9},"id":"l1"}"#
            + "\r\n" + #"{"errorDetail":{"message":"toomanyrequests"},"error":"toomanyrequests"}"#
        let engine = try FakeEngine(
            answering: Answers.chunkedHead() + Answers.chunk(Array(lines.utf8)) + Answers.lastChunk)
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let image = try #require(ImageReference("x:16"))
            var told: [PullProgress] = []
            let error = await thrown { () throws(DockerError) in
                try await docker.pullImage(image) { told.append($0) }
            }
            #expect(error?.kind == .failed)
            #expect(error?.message == "toomanyrequests")
            #expect(
                told == [
                    PullProgress(
                        status: "Pulling from x", layer: "16", doneBytes: nil, totalBytes: nil),
                    PullProgress(status: "Downloading", layer: "l1", doneBytes: 5, totalBytes: 9),
                ])
        }
    }

    @Test func whoReadsLogsSlowlyMakesTheEngineWait() async throws {
        let frame = LogDemultiplexerTests.frame(1, String(repeating: "x", count: 1015) + "\n")
        let piece = Answers.chunk(Array(repeatElement(frame, count: 64).joined()))
        let pieces = 512
        let written = Signal()
        let engine = try FakeEngine(afterVersion: { _ in
            [
                .send(Answers.chunkedHead("application/vnd.docker.raw-stream")),
                .flood(piece, total: piece.count * pieces), .tell(written),
                .send(Answers.lastChunk),
            ]
        })
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let logs = try await docker.logs(of: "c", LogSelection(follows: true))
            #expect(try await logs.next(within: Self.soon)?.bytes.count == 1016)
            // Other requests go on, for longer than 32 MiB would need, were they read.
            for _ in 0..<300 { _ = try await docker.version() }
            #expect(!written.isSet)
            #expect(logs.bufferedBytes < 512 * 1024)
            var records = 1
            while let record = try await logs.next(within: Self.soon) {
                records += 1
                #expect(record.bytes.count == 1016)
            }
            #expect(records == 64 * pieces)
        }
    }

    @Test func aStreamThatIsPausedCanBeDropped() async throws {
        let frame = LogDemultiplexerTests.frame(1, String(repeating: "x", count: 60_000))
        let engine = try FakeEngine(afterVersion: { _ in
            [
                .send(Answers.chunkedHead("application/vnd.docker.raw-stream")),
                .flood(Answers.chunk(frame), total: 64 * 1024 * 1024),
            ]
        })
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            for _ in 0..<10 {
                let logs = try await docker.logs(of: "c")
                #expect(try await logs.next(within: Self.soon) != nil)
                while logs.bufferedBytes < 60_000 { try await reactor.sleep(for: .milliseconds(1)) }
            }
            #expect(docker.requestCount == 0)
            #expect(try await docker.version().version == "20.10.24")
        }
    }

    @Test func logsThatEndInsideARecordAreMalformed() async throws {
        let frame = Array(LogDemultiplexerTests.frame(2, "abcdef").dropLast(2))
        let engine = try FakeEngine(
            answering: Answers.chunkedHead("application/vnd.docker.raw-stream")
                + Answers.chunk(frame) + Answers.lastChunk)
        try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            let logs = try await docker.logs(of: "c")
            let error = await thrown { () throws(DockerError) in
                try await logs.next(within: Self.soon)
            }
            #expect(error?.kind == .malformed)
        }
    }
}
