import EventLoops
import Glibc
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// Our client against a server by other people (grpcio).
@Suite struct ForeignServerTests {
    private static let unary = UnaryMethod<Payload, Payload>(
        fullServiceName: "test.Foreign", name: "Unary")
    private static let ended = UnaryMethod<Payload, Payload>(
        fullServiceName: "test.Foreign", name: "Ended")
    private static let expand = ServerStreamingMethod<Payload, Payload>(
        fullServiceName: "test.Foreign", name: "Expand")
    private static let collect = ClientStreamingMethod<Payload, Payload>(
        fullServiceName: "test.Foreign", name: "Collect")
    private static let chat = BidirectionalMethod<Payload, Payload>(
        fullServiceName: "test.Foreign", name: "Chat")
    private static let unknown = UnaryMethod<Payload, Payload>(
        fullServiceName: "test.Foreign", name: "Unknown")

    /// The one server of these tests, and its port.
    private static let server = Result {
        let python = try #require(
            getenv("BERTH_TEST_PYTHON").map { String(cString: $0) },
            "BERTH_TEST_PYTHON is not set: run scripts/test")
        let folder = "\(#filePath)".split(separator: "/").dropLast(2).joined(separator: "/")
        let program = try RunningProgram([python, "-u", "/\(folder)/Python/grpcio_server.py"])
        for _ in 0..<6000 where !program.text.contains("\n") && program.isRunning { usleep(10_000) }
        let port = program.text.split(separator: "\n").first.flatMap { UInt16($0) }
        return (program, try #require(port, "\(program.text)"))
    }

    private func withForeign(
        _ body: @escaping @Sendable (Channel, Reactor) async throws -> Void
    ) async throws {
        let (_, port) = try Self.server.get()
        try await onLoop { _, reactor in
            let address = try #require(SocketAddress("127.0.0.1:\(port)"))
            let channel = try makeChannel(to: address, reactor)
            try await body(channel, reactor)
            channel.close()
        }
    }

    @Test("unary calls, small and large, compressed and not")
    func unary() async throws {
        try await withForeign { channel, _ in
            for count in [0, 1, 3_000_000] {
                let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
                for compresses in [false, true] {
                    var options = CallOptions()
                    options.compressesRequests = compresses
                    if compresses { options.metadata.append("compress", "1") }
                    let response = try await channel.call(Self.unary, Payload(value), options)
                    let isEchoed = response.value == value
                    #expect(isEchoed)
                }
            }
            #expect(channel.connectionsMade == 1)
        }
    }

    @Test("metadata goes both ways, text and bytes, and failures come with their text")
    func metadata() async throws {
        try await withForeign { channel, _ in
            var options = CallOptions(metadata: Metadata(["say": "hello"]))
            options.metadata.append("say-bin", binary: [0, 1, 255])
            let response = try await channel.exchange(Self.unary, Payload([1]), options)
            #expect(response.initialMetadata["echo"] == "hello")
            #expect(try response.initialMetadata.binaryValues("echo-bin") == [[0, 1, 255]])
            #expect(response.trailingMetadata["after"] == "trailing")
            options.metadata.append("fail", "ALREADY_EXISTS")
            let failure = await status {
                _ = try await channel.call(Self.unary, Payload([1]), options)
            }
            #expect(failure == RPCStatus(.alreadyExists, "größer\n100 %"))
            let unknown = await status { _ = try await channel.call(Self.unknown, Payload()) }
            #expect(unknown?.code == .unimplemented)
        }
    }

    @Test("streams in each direction and in both")
    func streams() async throws {
        try await withForeign { channel, _ in
            let responses = try await channel.call(Self.expand, Payload([1, 2, 3]))
            var count = 0
            while let response = try await responses.next() {
                #expect(response.value == [1, 2, 3])
                count += 1
            }
            #expect(count == 1000)

            let collecting = try await channel.call(Self.collect)
            for _ in 0..<1000 { try await collecting.write(Payload([1, 2, 3])) }
            collecting.endRequests()
            #expect(try await collecting.next()?.value == Array("5000".utf8))
            #expect(try await collecting.next() == nil)

            let chat = try await channel.call(Self.chat)
            for index in 0..<200 {
                try await chat.write(Payload([UInt8(index)]))
                #expect(try await chat.next()?.value == [UInt8(index)])
            }
            chat.endRequests()
            #expect(try await chat.next() == nil)
        }
    }

    @Test("a stream that the server ends with an error gives its messages first")
    func streamFailure() async throws {
        try await withForeign { channel, _ in
            let options = CallOptions(metadata: Metadata(["fail-after": "2"]))
            let chat = try await channel.call(Self.chat, options)
            try await chat.write(Payload([1]))
            try await chat.write(Payload([2]))
            #expect(try await chat.next()?.value == [1])
            #expect(try await chat.next()?.value == [2])
            let end = await status { _ = try await chat.next() }
            #expect(end == RPCStatus(.dataLoss, "enough"))
            let late = await status { try await chat.write(Payload([3])) }
            #expect(late?.code == .dataLoss)
        }
    }

    @Test("deadlines and cancels reach the server")
    func ends() async throws {
        try await withForeign { channel, reactor in
            let before = try await Self.endedCalls(channel).count
            // Long enough that a busy machine begins the handler before.
            let hang = CallOptions(
                metadata: Metadata(["hang": "1"]), timeout: .seconds(5))
            let late = await status { _ = try await channel.call(Self.unary, Payload(), hang) }
            #expect(late?.code == .deadlineExceeded)
            try await Self.waitForEnded(before + 1, channel, reactor)
            let told = try #require(Int(try await Self.endedCalls(channel).seconds))
            #expect((0...5).contains(told))

            var failure: RPCStatus?
            let options = CallOptions(metadata: Metadata(["hang": "1"]), timeout: .seconds(100))
            let task = reactor.begin {
                failure = await status {
                    _ = try await channel.call(Self.unary, Payload(), options)
                }
            }
            var isBegun = false
            for _ in 0..<4000 where !isBegun {
                try await reactor.sleep(for: .milliseconds(5))
                isBegun = try await Self.endedCalls(channel).begun == before + 2
            }
            #expect(isBegun)
            task.cancel()
            try await reactor.until("cancelled") { failure != nil }
            #expect(failure?.code == .cancelled)
            try await Self.waitForEnded(before + 2, channel, reactor)
            #expect(try await Self.endedCalls(channel).seconds == "100")
        }
    }

    private static func endedCalls(
        _ channel: Channel
    ) async throws -> (count: Int, seconds: String, begun: Int) {
        let answer = try await channel.call(ended, Payload())
        let parts = String(decoding: answer.value, as: UTF8.self).split(separator: " ")
        return (
            try #require(Int(parts[0])), String(parts[1]), try #require(Int(parts[2]))
        )
    }

    private static func waitForEnded(
        _ count: Int, _ channel: Channel, _ reactor: Reactor
    ) async throws {
        for _ in 0..<4000 {
            if try await endedCalls(channel).count >= count { return }
            try await reactor.sleep(for: .milliseconds(5))
        }
        Issue.record("the server did not hear of the end")
    }
}
