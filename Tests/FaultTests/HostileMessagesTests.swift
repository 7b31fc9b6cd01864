import Auth
import BerthMessages
import Domain
import EventLoops
import Messages
import RPC
import TestSupport
import Testing

/// Not through the proxy, whose loop is this test's own: while that makes megabytes of a message, berthd
/// would hear nothing of its database, and rightly say so.
@Suite struct HostileMessagesTests {
    /// Growth of berthd's memory that everything here together may leave behind, and that it may
    /// reach for a moment: the connection's limit for messages that lie there, and one message's
    /// own limits.
    static let grownBytesMax = 48 << 20
    static let peakBytesMax = 96 << 20

    @Test("hostile messages get a clear status each; berthd lives on and its memory stays bounded")
    func statuses() async throws {
        try await ProcessScene.play(isProxied: false) { _, scene in
            try await scene.becomesServing()
            let before = try scene.berthd.program.memoryBytes("VmRSS")
            for message in try HostileMessage.all(scene.stage.tenant) {
                let answer = try await send(message, scene)
                #expect(answer.code == message.expected, "\(message.name): \(answer)")
                #expect(answer.message.utf8.count < 2048)
            }
            let after = try scene.berthd.program.memoryBytes("VmRSS")
            let peak = try scene.berthd.program.memoryBytes("VmHWM")
            print(
                "faults: hostile messages: RSS \(before >> 20) → \(after >> 20) MiB, at most \(peak >> 20) MiB"
            )
            #expect(after - before < Self.grownBytesMax)
            #expect(peak - before < Self.peakBytesMax)
            try await isWell(scene)
        }
    }

    @Test("known fields full of submessages, before anyone has said who calls: refused")
    func knownFields() async throws {
        try await ProcessScene.play(isProxied: false) { _, scene in
            try await scene.becomesServing()
            let before = try scene.berthd.program.memoryBytes("VmRSS")
            func many(_ field: [UInt8], bytes: Int = 500_000) -> [UInt8] {
                [[UInt8]](repeating: field, count: bytes / field.count).flatMap(\.self)
            }
            let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
            let connect = AgentV1.AgentServiceMethods.connect.path
            // A message that comes twice where one belongs is none of protobuf-c's business any more.
            let bombs: [(path: String, message: HostileMessage)] = [
                (
                    reflection,
                    HostileMessage(
                        "one field again and again", many(WireField.bytes(5, []), bytes: 60_000),
                        .internal)
                ),
                (
                    connect,
                    HostileMessage(
                        "the first message again and again", many(WireField.bytes(1, [])),
                        .internal)
                ),
                (
                    connect,
                    HostileMessage(
                        "a message within a message again and again",
                        many(WireField.bytes(1, WireField.bytes(3, []))), .internal)
                ),
                (
                    connect,
                    HostileMessage(
                        "a list of nothing",
                        WireField.bytes(2, [UInt8](many(WireField.bytes(2, [])).dropLast(200))),
                        .resourceExhausted)
                ),
            ]
            for (path, message) in bombs {
                let answer = try await scene.client.begin(
                    path, body: message.body, token: scene.stage.tenant.token
                ).end()
                #expect(answer.code == message.expected, "\(message.name): \(answer)")
            }
            let peak = try scene.berthd.program.memoryBytes("VmHWM")
            #expect(peak - before < Self.peakBytesMax)
            try await isWell(scene)
        }
    }

    @Test("a request cut anywhere, and bytes at random: always a status")
    func cutAndRandom() async throws {
        try await ProcessScene.play(isProxied: false) { _, scene in
            try await scene.becomesServing()
            let whole = HostileMessage.request(scene.stage.tenant, "cut")
            for count in 0..<whole.count {
                let message = HostileMessage("cut", Array(whole[..<count]), .internal)
                let answer = try await send(message, scene)
                let isFine =
                    answer.code == .internal || answer.code == .invalidArgument
                    || answer.code == .notFound
                #expect(isFine, "cut at \(count): \(answer)")
            }
            var generator = Lehmer(state: 0x5EED)
            for number in 0..<1000 {
                let count = Int.random(in: 0..<200, using: &generator)
                let bytes = (0..<count).map { _ in
                    UInt8.random(in: .min ... .max, using: &generator)
                }
                let answer = try await send(HostileMessage("random", bytes, .internal), scene)
                #expect(answer.code != nil && answer.code != .ok, "random \(number): \(answer)")
            }
            try await isWell(scene)
        }
    }

    @Test("messages that never end on many streams: what lies on a connection is bounded")
    func unfinished() async throws {
        let tokens = try (0..<100).map { _ in try AccessToken.generate().text.revealed }
        try await ProcessScene.play(isProxied: false) { _, scene in
            try await scene.becomesServing()
            let before = try scene.berthd.program.memoryBytes("VmRSS")
            // Little less than an agent may send.
            let prefix: [UInt8] = [0, 0, 7, 0xD0, 0]
            let part = prefix + [UInt8](repeating: 0, count: 500_000)
            let calls = try tokens.map { token in
                try scene.client.begin(
                    AgentV1.AgentServiceMethods.connect.path, body: part, token: token,
                    isEnded: false)
            }
            try await scene.stage.eventually {
                calls.contains { $0.answer != nil }
            }
            try await scene.stage.reactor.sleep(for: .milliseconds(300))
            let peak = try scene.berthd.program.memoryBytes("VmHWM")
            let answers = calls.compactMap(\.answer)
            print(
                "faults: unfinished messages: \(answers.count) of 100 refused, RSS \(before >> 20) MiB, at most \(peak >> 20) MiB"
            )
            #expect(answers.allSatisfy { $0.code == .resourceExhausted }, "\(answers)")
            #expect(
                answers.allSatisfy { $0.message.contains("receivedBytesPerConnectionMax") },
                "\(answers)")
            #expect(peak - before < Self.peakBytesMax)
            for call in calls { call.cancel() }
            try await isWell(scene)
        }
    }

    @Test("a crowd of invented tokens with large creates: memory stays bounded")
    func largeCreates() async throws {
        let tokens = try (0..<240).map { _ in try AccessToken.generate().text.revealed }
        try await ProcessScene.play(isProxied: false) { _, scene in
            try await scene.becomesServing()
            let before = try scene.berthd.program.memoryBytes("VmRSS")
            let clients = (0..<12).map { _ in
                CallingClient(port: scene.client.port, reactor: scene.stage.reactor)
            }
            defer { for client in clients { client.close() } }
            // Connected before this loop is busy with making a gigabyte of messages: berthd waits for a
            // client's first word for 10 seconds only.
            for client in clients { #expect(try await client.isServing() != nil) }
            // As large as a message may be at all, and as a create may be.
            for (bytes, codes) in [
                (4_000_000, [.resourceExhausted]),
                (64_000, [.resourceExhausted, .unauthenticated]),
            ] as [(Int, [StatusCode])] {
                let body = CallingClient.framed(
                    WireField.bytes(2, [UInt8](repeating: 0x61, count: bytes)))
                let calls = try tokens.enumerated().map { number, token in
                    try clients[number % clients.count].begin(
                        HostileMessage.path, body: body, token: token)
                }
                for call in calls {
                    let answer = try await call.end()
                    #expect(codes.contains { $0 == answer.code }, "\(answer)")
                }
            }
            let peak = try scene.berthd.program.memoryBytes("VmHWM")
            print("faults: large creates: RSS \(before >> 20) MiB, at most \(peak >> 20) MiB")
            #expect(peak - before < Self.peakBytesMax)
            try await isWell(scene)
        }
    }

    @Test("without a token nothing of a request is taken: refused at its header section")
    func strangers() async throws {
        try await ProcessScene.play(isProxied: false) { _, scene in
            try await scene.becomesServing()
            for token in [nil, "x"] {
                let call = try scene.client.begin(
                    HostileMessage.path, body: [0, 0, 0, 255, 0, 1], token: token, isEnded: false)
                #expect(try await call.end().code == .unauthenticated)
            }
            try await isWell(scene)
        }
    }

    private func send(_ message: HostileMessage, _ scene: ProcessScene) async throws -> Answer {
        try await scene.client.begin(
            HostileMessage.path, body: message.body, token: scene.stage.tenant.token,
            headers: message.isGzip ? ["grpc-encoding": "gzip"] : [:]
        ).end()
    }

    /// The same process serves, and still creates.
    private func isWell(_ scene: ProcessScene) async throws {
        #expect(scene.berthd.program.isRunning)
        try await scene.becomesServing()
        let trial = CreateTrial(stage: scene.stage, number: 1_000_000, label: "after all that")
        try await trial.verify(trial.begin(scene.client).end(), scene.client)
    }

    /// Numbers that are the same in each run.
    struct Lehmer: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 33
        }
    }
}
