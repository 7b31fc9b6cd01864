import Domain
import RPC
import Testing

@testable import Agents

/// Of a server's streams only the newest has rights, wherever it is.
@Suite struct NewestStreamTests {
    /// Expects that the older stream ends and the newer lives.
    static func expectTakeover(_ older: FakeAgent, _ newer: FakeAgent) async throws {
        try await older.live().ended()
        #expect(try older.live().status == .aborted)
        try await newer.heartbeat()
        #expect(try !newer.live().isClosed)
    }

    @Test("a newer stream ends the older on the same server")
    func sameServer() async throws {
        try await AgentScene.play { scene in
            let older = try await scene.connectedAgent()
            let newer = try scene.again(older)
            try await newer.connect()
            try await Self.expectTakeover(older, newer)
            #expect(try await scene.server().agent?.isOnline == true)
        }
    }

    @Test("a newer stream ends the older on another server, by a notification")
    func otherServer() async throws {
        try await AgentScene.play { scene in
            let older = try await scene.connectedAgent()
            let newer = try scene.again(older, of: scene.second)
            try await newer.connect()
            try await Self.expectTakeover(older, newer)
            #expect(scene.first.gateway.streamCount == 0)
            #expect(scene.second.gateway.streamCount == 1)
            #expect(try await scene.server().agent?.isOnline == true)
        }
    }

    @Test("without notifications the older stream learns of it at its next heartbeat")
    func byHeartbeat() async throws {
        try await AgentScene.play(listens: false) { scene in
            let older = try await scene.connectedAgent()
            let newer = try scene.again(older, of: scene.second)
            try await newer.connect()
            try await newer.heartbeat()
            #expect(try !older.live().isClosed)
            try older.sendHeartbeat()
            try await Self.expectTakeover(older, newer)
            #expect(try await scene.server().agent?.isOnline == true)
        }
    }

    @Test("ten streams that begin at once leave one")
    func many() async throws {
        try await AgentScene.play { scene in
            let first = try await scene.agent()
            let agents = try (0..<10).map {
                try scene.again(first, of: $0.isMultiple(of: 2) ? scene.first : scene.second)
            }
            for agent in agents { try agent.sayHello() }
            try await scene.eventually {
                try agents.filter { try $0.live().isClosed }.count == 9
            }
            #expect(scene.first.gateway.streamCount + scene.second.gateway.streamCount == 1)
            for agent in agents where try agent.live().isClosed {
                #expect(try agent.live().status == .aborted)
            }
            #expect(try await scene.server().agent?.isOnline == true)
        }
    }

    @Test("an old notification of an older stream does not end the newest")
    func oldNotice() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            scene.first.gateway.received(
                AgentSessionNotice(
                    change: .began, serverID: scene.serverID,
                    sessionID: AgentSessionID(bytes: [UInt8](repeating: 1, count: 16))))
            try await agent.heartbeat()
            try await agent.heartbeat()
            #expect(try !agent.live().isClosed)
        }
    }

    @Test("registering again ends the stream of the agent before, and its credential")
    func rotation() async throws {
        try await AgentScene.play { scene in
            let old = try await scene.connectedAgent()
            let new = try await scene.agent(of: scene.second)
            #expect(new.credential != old.credential)
            try await old.live().ended()
            #expect(try old.live().status == .aborted)
            let again = try scene.again(old)
            let stream = try again.sayHello()
            try await stream.ended()
            #expect(stream.status == .unauthenticated)
            try await new.connect()
            try await new.heartbeat()
        }
    }

    @Test("a rotation ends the old stream at its next heartbeat when the notice was lost")
    func rotationWithoutNotice() async throws {
        try await AgentScene.play(listens: false) { scene in
            let old = try await scene.connectedAgent()
            _ = try await scene.agent(of: scene.second)
            try old.sendHeartbeat()
            try await old.live().ended()
            #expect(try old.live().status == .aborted)
        }
    }
}
