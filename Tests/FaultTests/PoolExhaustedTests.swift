import Auth
import Domain
import EventLoops
import PostgresClient
import RPC
import Testing

@testable import ControlPlane

@Suite struct PoolExhaustedTests {
    @Test(
        "every connection stalled: a queue with a limit, RESOURCE_EXHAUSTED past it and past the longest wait, never a hang"
    )
    func queueWithLimit() async throws {
        var times = Scene.unasked
        // Twice as long as the program's, for a busy machine to fill the queue meanwhile.
        times.connectionWaitMax = .seconds(10)
        try await Scene.play(times: times) { _, scene in
            try await scene.fillPool()
            scene.stage.proxy.holdAll()
            let clients = [
                scene.client, CallingClient(port: scene.port, reactor: scene.stage.reactor),
            ]
            defer { clients[1].close() }
            let calls = try (0..<320).map { number in
                try scene.trial(number).begin(clients[number % 2])
            }

            try await scene.stage.eventually { scene.pool.waiting == 256 }
            #expect(scene.pool.inUse == Scene.connectionsMax)

            var refused: [Answer] = []
            try await scene.stage.eventually {
                refused = calls.compactMap(\.answer)
                return refused.count == 320 - 256 - Scene.connectionsMax
            }
            #expect(refused.allSatisfy { $0.code == .resourceExhausted }, "\(refused)")

            try await scene.stage.eventually {
                calls.compactMap(\.answer).count == 320 - Scene.connectionsMax
            }
            let answered = calls.compactMap(\.answer)
            #expect(answered.allSatisfy { $0.code == .resourceExhausted }, "\(answered)")
            // Without the longest wait they would hang for ever.
            #expect(answered.allSatisfy { $0.took < .seconds(30) })
            #expect(scene.pool.waiting == 0)

            scene.stage.proxy.releaseAll()
            for call in calls where call.answer == nil {
                #expect(try await call.end().code == .ok)
            }
            // What was refused left nothing, and works now.
            for (number, call) in calls.enumerated() {
                guard let answer = call.answer, answer.code != .ok else { continue }
                #expect(try await scene.rows(number) == .none)
                #expect(try await scene.trial(number).begin(scene.client).end().code == .ok)
                #expect(try await scene.rows(number) == .all)
            }
        }
    }

    @Test("one token's calls beyond its quota are refused by name; they make room as they end")
    func callsOfOneToken() async throws {
        try await Scene.play(quotas: { $0.callsPerTokenMax = 2 }) { _, scene in
            scene.stage.proxy.holdAll()
            let calls = try (0..<3).map { _ in try scene.list() }
            let refused = try await calls[2].end()
            #expect(refused.code == .resourceExhausted)
            #expect(refused.message.contains("(calls_per_token_max)"), "\(refused)")
            scene.stage.proxy.releaseAll()
            for call in calls[..<2] { #expect(try await call.end().code == .ok) }
            #expect(try await scene.list().end().code == .ok)
        }
    }

    @Test("a crowd of invented tokens while PostgreSQL stalls: known tokens keep their place")
    func inventedTokens() async throws {
        let invented = try (0..<300).map { _ in try AccessToken.generate().text.revealed }
        let unverifiedMax = ServeConfiguration.Quotas().unverifiedCallsMax
        try await Scene.play(times: Scene.patient) { _, scene in
            try await scene.fillPool()
            scene.stage.proxy.holdAll()
            let crowd = CallingClient(port: scene.port, reactor: scene.stage.reactor)
            let more = CallingClient(port: scene.port, reactor: scene.stage.reactor)
            defer {
                crowd.close()
                more.close()
            }
            let calls = try invented.enumerated().map { number, token in
                try scene.list(number % 2 == 0 ? crowd : more, token)
            }
            try await scene.stage.eventually {
                calls.compactMap(\.answer).count == invented.count - unverifiedMax
            }
            let refused = calls.compactMap(\.answer)
            #expect(refused.allSatisfy { $0.code == .resourceExhausted }, "\(refused)")
            #expect(refused.allSatisfy { $0.message.contains("(unverified_calls_max)") })

            let known = try scene.list()
            try await scene.stage.eventually {
                scene.pool.waiting == unverifiedMax + 1 - Scene.connectionsMax
            }
            scene.stage.proxy.releaseAll()
            #expect(try await known.end().code == .ok)
            for call in calls where call.answer == nil {
                #expect(try await call.end().code == .unauthenticated)
            }
            // Nobody holds a place any more.
            #expect(try await scene.list(crowd, invented[0]).end().code == .unauthenticated)
        }
    }
}
