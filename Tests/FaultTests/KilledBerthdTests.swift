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
            var unreached: [MessagePoint] = []
            try await scene.becomesServing()
            let offsets: [MessagePoint.Offset] = isWarm ? [.before, .middle] : [.before]
            var calls = Calls(scene, isWarm: isWarm)
            let clean = try await calls.undisturbed()
            for point in clean.points(offsets: offsets) {
                // What berthd asks PostgreSQL by itself may run into the trap as well.
                var isSprung = false
                for _ in 0..<Self.triesMax where !isSprung {
                    isSprung = try await calls.killed(at: point, &tally)
                }
                if !isSprung { unreached.append(point) }
            }
            #expect(unreached.isEmpty)
            return tally
        }
        tally.report("berthd is killed by SIGKILL, \(isWarm ? "warm" : "cold")")
        #expect(tally.runs > 60)
    }

    /// How often a trial is repeated whose fault was not reached.
    private static let triesMax = 10

    /// Creates one after another in one scene, each with a number of its own.
    private struct Calls {
        let scene: ProcessScene
        /// Whether each goes over a connection that has done it before, or over one that is yet to be
        /// made.
        let isWarm: Bool
        private var count = 0

        init(_ scene: ProcessScene, isWarm: Bool) {
            self.scene = scene
            self.isWarm = isWarm
        }

        /// The messages of an undisturbed create: of three the middle one, for a connection that was new
        /// after all prepares its statements first, and what berthd asks by itself is short.
        mutating func undisturbed() async throws -> Trap {
            var traps: [Trap] = []
            for _ in 0..<3 {
                let trap = Trap(at: nil)
                let (call, _) = try await begin(trap)
                #expect(try await call.end().code == .ok)
                scene.stage.proxy.trap = nil
                traps.append(trap)
            }
            return traps.sorted { $0.messages < $1.messages }[1]
        }

        /// Kills berthd at `point` of a create and verifies what is left.
        ///
        /// - Returns: Whether the create came to that point.
        mutating func killed(at point: MessagePoint, _ tally: inout Tally) async throws -> Bool {
            let scene = scene
            let trap = Trap(at: point) { connection in
                scene.berthd.program.kill()
                connection.cut()
            }
            let (call, trial) = try await begin(trap, "berthd killed, \(point)")
            let answer = try await call.end()
            scene.stage.proxy.trap = nil
            if trap.isSprung { try await scene.restart() }
            let rows = try await trial.verify(answer, scene.client, mayBeSilent: trap.isSprung)
            tally.count(answer, rows, isSprung: trap.isSprung)
            return trap.isSprung
        }

        private mutating func begin(
            _ trap: Trap, _ label: String = ""
        ) async throws -> (OutgoingCall, CreateTrial) {
            if isWarm {
                #expect(try await next("warming up").begin(scene.client).end().code == .ok)
            } else {
                scene.stage.proxy.cutAll()
            }
            scene.stage.proxy.trap = trap
            let trial = next(label)
            return (try trial.begin(scene.client), trial)
        }

        private mutating func next(_ label: String) -> CreateTrial {
            count += 1
            return CreateTrial(stage: scene.stage, number: count, label: label)
        }
    }
}

extension Trap {
    /// How many messages passed in both directions.
    fileprivate var messages: Int { seen.values.reduce(0) { $0 + $1.count } }
}
