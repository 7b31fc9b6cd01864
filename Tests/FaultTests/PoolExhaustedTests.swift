import EventLoops
import PostgresClient
import RPC
import Testing

@Suite struct PoolExhaustedTests {
    @Test(
        "every connection stalled: a queue with a limit, RESOURCE_EXHAUSTED past it and past the longest wait, never a hang"
    )
    func queueWithLimit() async throws {
        try await Scene.play { _, scene in
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
            try await scene.stage.eventually(within: .seconds(2)) {
                refused = calls.compactMap(\.answer)
                return refused.count == 320 - 256 - Scene.connectionsMax
            }
            #expect(refused.allSatisfy { $0.code == .resourceExhausted }, "\(refused)")

            try await scene.stage.eventually(within: .seconds(8)) {
                calls.compactMap(\.answer).count == 320 - Scene.connectionsMax
            }
            let answered = calls.compactMap(\.answer)
            #expect(answered.allSatisfy { $0.code == .resourceExhausted }, "\(answered)")
            #expect(answered.allSatisfy { $0.took < .seconds(7) })
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
}
