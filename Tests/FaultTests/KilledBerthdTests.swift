import EventLoops
import RPC
import TestSupport
import Testing

@Suite struct KilledBerthdTests {
    @Test(
        "berthd killed at any message of the create: all rows or none, and a retry ends in one service",
        arguments: [true, false])
    func everyMessage(isWarm: Bool) async throws {
        let tally = try await ProcessScene.play { _, scene in
            var tally = Tally()
            try await scene.becomesServing()
            let offsets: [MessagePoint.Offset] = isWarm ? [.before, .middle] : [.before]
            let clean = Trap(at: nil)
            try await warmUp(scene, 0)
            let call = try begin(scene, 1, clean, isWarm: isWarm)
            #expect(try await call.end().code == .ok)
            for (number, point) in clean.points(offsets: offsets).enumerated() {
                let trap = Trap(at: point) { connection in
                    scene.berthd.program.kill()
                    connection.cut()
                }
                if isWarm { try await warmUp(scene, 2 * number + 2) }
                let call = try begin(scene, 2 * number + 3, trap, isWarm: isWarm)
                let answer = try await call.end()
                scene.stage.proxy.trap = nil
                if trap.isSprung { try await scene.restart() }
                let rows = try await trial(scene, 2 * number + 3, "berthd killed, \(point)")
                    .verify(answer, scene.client, mayBeSilent: trap.isSprung)
                tally.count(answer, rows, isSprung: trap.isSprung)
            }
            return tally
        }
        tally.report("berthd is killed by SIGKILL, \(isWarm ? "warm" : "cold")")
        #expect(tally.runs > 60)
        #expect(tally.missed * 20 < tally.runs)
    }

    private func warmUp(_ scene: ProcessScene, _ number: Int) async throws {
        let answer = try await trial(scene, number, "warming up").begin(scene.client).end()
        #expect(answer.code == .ok)
    }

    private func begin(
        _ scene: ProcessScene, _ number: Int, _ trap: Trap, isWarm: Bool
    ) throws -> OutgoingCall {
        if !isWarm { scene.stage.proxy.cutAll() }
        scene.stage.proxy.trap = trap
        return try trial(scene, number, "").begin(scene.client)
    }

    private func trial(_ scene: ProcessScene, _ number: Int, _ label: String) -> CreateTrial {
        CreateTrial(stage: scene.stage, number: number, label: label)
    }
}
