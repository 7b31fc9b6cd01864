import BerthMessages
import Domain
import EventLoops
import Messages
import RPC
import StandardMessages
import Testing

@testable import Agents

/// How a stream begins and ends.
@Suite struct AgentConnectTests {
    @Test(
        "jobs that hello names are the new stream's before it claims others, and take their places")
    func adopts() async throws {
        try await AgentScene.play({ $0.jobsRunningMax = 2 }) { scene in
            let (kept, lost) = (AgentJob.sample(1).reference, AgentJob.sample(2).reference)
            scene.jobs.adoptable = [kept]
            scene.jobs.waiting = [.sample(3), .sample(4)]
            let agent = try await scene.agent()
            agent.helloJobs = [kept, lost]
            try await agent.connect()
            #expect(scene.jobs.adopted == [[kept, lost]])
            #expect(AgentJobTests.number(try await agent.job()) == 3)
            try await agent.heartbeat([kept, AgentJob.sample(3).reference])
            #expect(scene.jobs.waiting.count == 1)
            #expect(scene.jobs.limits.first == 1)
            try agent.report(AgentJob.sample(1), .succeeded)
            #expect(AgentJobTests.number(try await agent.job()) == 4)
        }
    }

    @Test("hello names so many jobs and not more")
    func tooManyJobs() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.agent()
            agent.helloJobs = (0...64).map { AgentJob.sample(UInt64($0)).reference }
            let stream = try agent.sayHello()
            try await stream.ended()
            #expect(stream.status == .resourceExhausted)
            #expect(scene.jobs.adopted.isEmpty)
        }
    }

    @Test("why a server comes and goes is told: two agents, a lost one, one that ended")
    func tellsWhy() async throws {
        try await AgentScene.play { scene in
            let first = try await scene.connectedAgent()
            #expect(try await scene.server().agent?.streamEnd == nil)
            let second = try scene.again(first)
            try await second.connect()
            #expect(
                try await scene.server().agent?.streamEnd?.text
                    == "a newer stream of this server began while it was open")
            try await first.live().ended()
            second.close()
            try await scene.eventually {
                try await scene.server().agent?.streamEnd?.text == "the connection broke"
            }
            let third = try scene.again(first)
            try await third.connect()
            try third.live().finish()
            try await scene.eventually {
                try await scene.server().agent?.streamEnd?.text == "the agent ended it"
            }
        }
    }

    @Test("hello is answered by welcome, the server is online then and shows the machine")
    func welcome() async throws {
        try await AgentScene.play { scene in
            scene.jobs.desired = [
                (ServiceID(high: 1, low: 1), DeploymentID(high: 1, low: 2))
            ]
            #expect(try await scene.server().agent == nil)
            let agent = try await scene.agent()
            #expect(try await scene.server().agent?.isOnline == false)
            let stream = try agent.sayHello()
            guard case .welcome(let welcome) = try await stream.response().kind else {
                Issue.record("no welcome")
                return
            }
            #expect(welcome.sessionID.count == 16)
            #expect(welcome.heartbeatInterval == .with { $0.seconds = 10 })
            let desired = try await agent.job()
            #expect(
                desired.kind
                    == .desiredState(
                        .with {
                            $0.services = [
                                .with {
                                    $0.serviceID = ServiceID(high: 1, low: 1).description
                                    $0.deploymentID = DeploymentID(high: 1, low: 2).description
                                }
                            ]
                        }))
            #expect(desired.sessionID == welcome.sessionID)
            #expect(desired.serverID == scene.serverID.description)
            let server = try #require(try await scene.server().agent)
            #expect(server.isOnline)
            #expect(server.lastSeenAt != nil)
            #expect(server.version == "1.0.1")
            #expect(server.host == HostFacts(FakeAgent.host))
            #expect(server.host.hostname == "db-1")
            #expect(server.host.diskAvailableBytes == 60 << 30)
        }
    }

    @Test("a credential that is unknown, missing or was replaced is refused")
    func badCredentials() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.agent()
            let stale = try scene.again(agent)
            try await agent.register(try await scene.mint())
            for token in [stale.credential, "berth_agent_unknown", ""] {
                let call = try agent.begin(AgentV1.AgentServiceMethods.connect.path, token)
                try call.send(
                    AgentV1.ConnectRequest.with {
                        $0.kind = .hello(.with { $0.protocolVersion = 1 })
                    })
                try await call.ended()
                #expect(call.status == .unauthenticated)
            }
            try await agent.connect()
        }
    }

    @Test("so many hellos are looked into at once; one that was refused is welcome later")
    func hellosMax() async throws {
        try await AgentScene.play({ $0.hellosMax = 0 }) { scene in
            let stream = try await scene.agent().sayHello()
            try await stream.ended()
            #expect(stream.status == .resourceExhausted)
            #expect(stream.message.contains("(hellos_max)"))
        }
        try await AgentScene.play({ $0.hellosMax = 1 }) { scene in
            let agent = try await scene.connectedAgent()
            try await scene.again(agent).connect()
        }
    }

    @Test("what does not begin with hello, or speaks an old protocol, is refused")
    func badBeginnings() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.agent()
            let path = AgentV1.AgentServiceMethods.connect.path
            let first = try agent.begin(path, agent.credential)
            try first.send(AgentV1.ConnectRequest.with { $0.kind = .heartbeat(.init()) })
            try await first.ended()
            #expect(first.status == .invalidArgument)
            let old = try agent.sayHello(version: 0)
            try await old.ended()
            #expect(old.status == .failedPrecondition)
            #expect(scene.first.gateway.streamCount == 0)
        }
    }

    @Test("an agent that says nothing loses its stream")
    func noHello() async throws {
        try await AgentScene.play({ $0.helloTimeMax = .milliseconds(20) }) { scene in
            let agent = try await scene.agent()
            let call = try agent.begin(
                AgentV1.AgentServiceMethods.connect.path, agent.credential)
            try await call.ended()
            #expect(call.status == .unavailable)
        }
    }

    @Test("an agent of which nothing is heard loses its stream and is offline")
    func silence() async throws {
        // Long enough to be seen online before.
        try await AgentScene.play({ $0.silenceTimeMax = .seconds(4) }) { scene in
            let agent = try await scene.connectedAgent()
            #expect(try await scene.server().agent?.isOnline == true)
            try await agent.live().ended()
            #expect(try agent.live().status == .unavailable)
            try await scene.eventually { try await scene.server().agent?.isOnline == false }
            #expect(scene.first.gateway.streamCount == 0)
        }
    }

    @Test("heartbeats keep a stream, and are answered")
    func heartbeats() async throws {
        try await AgentScene.play({ $0.silenceTimeMax = .seconds(4) }) { scene in
            let agent = try await scene.connectedAgent()
            let before = try #require(try await scene.server().agent?.lastSeenAt)
            // For longer than it may be silent, each pause far shorter.
            for _ in 0..<12 {
                let ack = try await agent.heartbeat()
                #expect(ack.lostJobs.isEmpty)
                #expect(ack.time != nil)
                try await scene.reactor.sleep(for: .milliseconds(400))
            }
            #expect(try !agent.live().isClosed)
            let after = try #require(try await scene.server().agent?.lastSeenAt)
            #expect(after > before)
        }
    }

    @Test("an agent that ends its side is told OK, and is offline")
    func ends() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            try agent.live().finish()
            try await agent.live().ended()
            #expect(try agent.live().status == .ok)
            try await scene.eventually { try await scene.server().agent?.isOnline == false }
        }
    }

    @Test("an agent whose call or connection breaks is offline", arguments: [true, false])
    func breaks(_ isCall: Bool) async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            if isCall { try agent.live().cancel() } else { agent.close() }
            try await scene.eventually { try await scene.server().agent?.isOnline == false }
            #expect(scene.first.gateway.streamCount == 0)
        }
    }

    @Test("a server that stops ends its streams and records it")
    func stops() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            await scene.first.gateway.stop()
            #expect(try await scene.server().agent?.isOnline == false)
            try await agent.live().ended()
            #expect(try agent.live().status == .unavailable)
            let late = try scene.again(agent)
            let stream = try late.sayHello()
            try await stream.ended()
            #expect(stream.status == .unavailable)
        }
    }

    @Test("an agent that takes nothing of what is sent loses its stream")
    func slowReader() async throws {
        try await AgentScene.play({ $0.outgoingMax = 4 }) { scene in
            let agent = try await scene.connectedAgent()
            try agent.live().takes = false
            // More than the windows and queues between the two hold.
            let text = String(repeating: "x", count: 100 * 1024)
            scene.jobs.waiting = (1...4).map {
                AgentJob.sample($0, kind: .purge(volumeName: text))
            }
            try await scene.notifyWork()
            try await scene.eventually { scene.jobs.waiting.isEmpty }
            for _ in 0..<8 { try agent.sendHeartbeat() }
            try await scene.eventually { scene.first.gateway.streamCount == 0 }
        }
    }
}
