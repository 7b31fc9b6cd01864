import EventLoops
import Glibc
import TestSupport
import Testing

@testable import DockerEngine

/// Logs and events of the machine's own Docker.
@Suite(.timeLimit(.minutes(15))) struct EngineStreamTests {
    @Test func logsPartTheOutputsAndStartFromTheTailOrAMoment() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            let id = try await engine.start(
                engine.container("logs", "echo one; echo two >&2; echo three; printf four"))
            _ = try await docker.waitForContainer(id, deadline: .seconds(60))
            let logs = try await docker.logs(of: id, LogSelection(hasTimestamps: true))
            var records: [LogRecord] = []
            while let record = try await logs.next(within: .seconds(30)) { records.append(record) }
            func text(_ source: LogSource) -> String {
                let bytes = records.filter { $0.source == source }.flatMap(\.bytes)
                return String(decoding: bytes, as: UTF8.self)
            }
            #expect(text(.output) == "one\nthree\nfour")
            #expect(text(.error) == "two\n")
            #expect(records.allSatisfy { $0.timestamp?.hasSuffix("Z") == true })
            #expect(try await engine.output(of: id, LogSelection(tail: 1)) == "four")
            let now = Int64(time(nil)) * 1_000_000_000
            let later = LogSelection(sinceNanoseconds: now + 60_000_000_000)
            #expect(try await engine.output(of: id, later) == "")
        }
    }

    @Test func followedLogsComeAsTheyAreWrittenAndEndWithTheContainer() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            let id = try await engine.start(
                engine.container(
                    "follow", "trap 'echo last; exit' TERM; echo first; sleep 600 & wait"))
            let logs = try await docker.logs(of: id, LogSelection(follows: true))
            #expect(try await logs.next(within: .seconds(30))?.bytes == Array("first\n".utf8))
            let late = await thrown { () throws(DockerError) in
                try await logs.next(within: .milliseconds(20))
            }
            #expect(late?.kind == .timedOut)
            try await docker.killContainer(id, signal: "SIGTERM")
            #expect(try await logs.next(within: .seconds(30))?.bytes == Array("last\n".utf8))
            #expect(try await logs.next(within: .seconds(30)) == nil)
        }
    }

    @Test func muchOutputIsReadWhole() async throws {
        try await withRealEngine { _, _, engine in
            let id = try await engine.start(
                engine.container("much", "yes 0123456789abcde | head -n 60000; echo end"))
            _ = try await engine.docker.waitForContainer(id, deadline: .seconds(120))
            let output = try await engine.output(of: id)
            #expect(output.utf8.count == 16 * 60_000 + 4)
        }
    }

    @Test func eventsTellTheLifeOfLabelledContainers() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            let began = Int64(time(nil)) * 1_000_000_000
            let events = try await docker.events(
                EventFilters(
                    types: ["container"], actions: ["start", "die", "destroy"],
                    labels: engine.labels), sinceNanoseconds: began)
            let id = try await engine.start(engine.container("life", "exit 5"))
            _ = try await docker.waitForContainer(id, deadline: .seconds(60))
            try await docker.removeContainer(id)
            var told: [EngineEvent] = []
            while told.count < 3 {
                told.append(try #require(try await events.next(within: .seconds(30))))
            }
            #expect(told.map(\.action) == ["start", "die", "destroy"])
            #expect(told.allSatisfy { $0.id == id && $0.type == "container" })
            #expect(told[1].attributes["exitCode"] == "5")
            #expect(told[0].nanoseconds < told[2].nanoseconds)
            events.close()
            // What is past is told again, from the moment asked for.
            let replay = try await docker.events(
                EventFilters(types: ["container"], actions: ["die"], labels: engine.labels),
                sinceNanoseconds: told[0].nanoseconds)
            #expect(try await replay.next(within: .seconds(30)) == told[1])
        }
    }
}
