import EventLoops
import TestSupport
import Testing

@testable import DockerEngine

/// What an engine, or who poses as one, can do to us: an error each, never a trap or a hang.
@Suite(.timeLimit(.minutes(5))) struct HostileAnswerTests {
    private static let soon = Duration.seconds(20)

    /// The error of inspecting a container of an engine that answers these bytes.
    private func error(
        _ bytes: [UInt8], closes: Bool = true, limits: DockerLimits = DockerLimits()
    ) async throws -> DockerError? {
        let engine = try FakeEngine(answering: bytes, thenCloses: closes)
        return try await onLoop { _, reactor in
            let docker = try DockerClient(
                reactor: reactor, socketPath: engine.path, limits: limits)
            let error = await thrown { () throws(DockerError) in
                try await docker.container("c", deadline: Self.soon)
            }
            #expect(docker.requestCount == 0)
            return error
        }
    }

    @Test func aTruncatedBodyIsInterrupted() async throws {
        let bytes = Answers.json(#"{"Id":"0123456789"}"#)
        #expect(try await error(Array(bytes.dropLast(5)))?.kind == .interrupted)
        let chunked = Answers.chunkedHead() + Answers.chunk(Array(#"{"Id""#.utf8))
        #expect(try await error(chunked)?.kind == .interrupted)
    }

    @Test func noAnswerAndHalfAHeadAreInterrupted() async throws {
        #expect(try await error([])?.kind == .interrupted)
        let kind = try await error(Array("HTTP/1.1 200 OK\r\nContent-Ty".utf8))?.kind
        #expect(kind != nil && kind != .timedOut)
    }

    @Test func aHugeAnswerIsRefused() async throws {
        var limits = DockerLimits()
        limits.answerBytesMax = 100_000
        let body = "[" + String(repeating: " ", count: 1_000_000) + "]"
        let refused = try await error(Answers.json(body), limits: limits)
        #expect(refused?.kind == .tooLarge)
    }

    @Test func headersWithoutEndAreRefused() async throws {
        let fields = (0..<10_000).map { "X-\($0): \(String(repeating: "a", count: 100))\r\n" }
        let bytes = Array(("HTTP/1.1 200 OK\r\n" + fields.joined()).utf8)
        #expect(try await error(bytes)?.kind == .tooLarge)
    }

    @Test(arguments: ["", "{", "[]", "null", "{}", #"{"Id":1}"#, #"{"Id":"a","Name":"/n"}"#])
    func jsonOfAnotherShapeIsMalformed(_ body: String) async throws {
        #expect(try await error(Answers.json(body))?.kind == .malformed)
    }

    @Test func anotherContentTypeIsMalformed() async throws {
        let bytes = Answers.whole("<html>", type: "text/html")
        #expect(try await error(bytes)?.kind == .malformed)
    }

    @Test func whatIsNoHTTPIsMalformedOrInterrupted() async throws {
        for text in ["SSH-2.0-x\r\n\r\n", "\0\0\0\0\0\0\0\0\r\n\r\n", "HTTP/9.9 abc\r\n\r\n"] {
            let kind = try await error(Array(text.utf8))?.kind
            #expect(kind == .malformed || kind == .interrupted)
        }
    }

    @Test func aRefusalCarriesDockersMessageAndStatus() async throws {
        let bytes = Answers.json(#"{"message":"no space left"}"#, status: "500 Oops")
        let refused = try await error(bytes, closes: false)
        #expect(
            refused
                == DockerError(
                    .refused, operation: "inspect container", status: 500,
                    message: "no space left"))
        #expect(refused?.isTransient == true)
    }

    @Test func aRefusalWithoutAProperMessageIsStillOne() async throws {
        for body in ["<html>secret</html>", "", #"{"message":5}"#] {
            let bytes = Answers.whole(body, status: "409 Conflict", type: "text/html")
            let refused = try await error(bytes, closes: false)
            #expect(refused?.isConflict == true)
            #expect(refused?.message == "no message")
        }
    }

    @Test func aRedirectIsNotFollowed() async throws {
        let bytes = Array(
            "HTTP/1.1 301 Moved\r\nLocation: http://169.254.1.1/\r\nContent-Length: 0\r\n\r\n".utf8)
        #expect(try await error(bytes, closes: false)?.status == 301)
    }

    @Test func aLongMessageIsCut() async throws {
        let text = String(repeating: "\u{E9}", count: 100_000)
        let refused = try await error(
            Answers.json(#"{"message":"\#(text)"}"#, status: "400 Bad"), closes: false)
        let message = try #require(refused?.message)
        #expect(message.utf8.count <= DockerError.messageBytesMax + 2)
        #expect(message.hasPrefix("\u{E9}\u{E9}"))
    }

    @Test func interimAnswersAreSkipped() async throws {
        let bytes =
            Array("HTTP/1.1 102 Processing\r\n\r\n".utf8)
            + Answers.json(#"{"message":"gone"}"#, status: "410 Gone")
        #expect(try await error(bytes, closes: false)?.status == 410)
    }

    @Test func theEnvironmentIsInNoErrorEvenIfTheEngineRepeatsIt() async throws {
        let engine = try FakeEngine(
            answering: Answers.json(
                #"{"message":"bad variable PASSWORD=hunter22 (hunter22)"}"#, status: "400 Bad"))
        let refused = try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            var container = ContainerSpecification(name: "n", image: "i")
            container.environment = ["PASSWORD": "hunter22", "EMPTY": ""]
            return await thrown { () throws(DockerError) in
                try await docker.createContainer(container)
            }
        }
        #expect(engine.requests.last?.contains("hunter22") == true)
        #expect(refused?.message == "bad variable PASSWORD=<secret> (<secret>)")
    }

    @Test(arguments: [["": "v"], ["A=B": "v"], ["A": "v\0w"]])
    func anImpossibleVariableIsNotSent(_ environment: [String: String]) async throws {
        let engine = try FakeEngine(answering: Answers.json("{}"))
        let refused = try await onLoop { _, reactor in
            let docker = try DockerClient(reactor: reactor, socketPath: engine.path)
            var container = ContainerSpecification(name: "n", image: "i")
            container.environment = environment
            return await thrown { () throws(DockerError) in
                try await docker.createContainer(container)
            }
        }
        #expect(refused?.kind == .notSent)
        #expect(engine.requests.isEmpty)
    }
}
