import EventLoops
import PostgresClient
import RPC
import TestSupport
import Testing

@testable import ControlPlane

/// A PostgreSQL that neither answers nor hangs up.
@Suite struct HungDatabaseTests {
    /// Shorter than those of the program, that the test need not wait.
    static let times: ServeConfiguration.Times = {
        var times = ServeConfiguration.Times()
        times.probeInterval = .milliseconds(100)
        times.probeDurationMax = .milliseconds(300)
        return times
    }()

    @Test(
        "every process of it stopped: NOT_SERVING within the limit; going on: SERVING, and served")
    func frozen() async throws {
        let cluster = try TestPostgres(settings: ["log_statement = none"])
        let gone = try await Scene.play(cluster: cluster, times: Self.times) { _, scene in
            #expect(try await scene.trial(0).begin(scene.client).end().code == .ok)
            let gone = try await cluster.whileFrozen { try await scene.becomesServing(false) }
            try await scene.becomesServing()
            #expect(try await scene.trial(1).begin(scene.client).end().code == .ok)
            return gone
        }
        print("faults: PostgreSQL stopped where it is: NOT_SERVING after \(gone)")
        #expect(gone < .seconds(20))
    }

    @Test(
        "every connection held by a call without an answer: NOT_SERVING, and nobody is kept waiting"
    )
    func everyConnectionHeld() async throws {
        var times = Self.times
        times.connectionWaitMax = Scene.patient.connectionWaitMax
        try await Scene.play(times: times) { _, scene in
            try await scene.fillPool()
            scene.stage.proxy.holdAll()
            let holders = try (0..<Scene.connectionsMax).map {
                try scene.trial($0).begin(scene.client)
            }
            // A question of berthd's own that was first ends the connection that does not answer it.
            try await scene.stage.eventually {
                scene.pool.idle == 0
                    && scene.pool.inUse + scene.pool.waiting >= Scene.connectionsMax
            }
            let gone = try await scene.becomesServing(false)
            #expect(gone < .seconds(20))
            // Such a question may have taken one's place, no more.
            #expect(scene.pool.waiting <= 1)
            scene.stage.proxy.releaseAll()
            for holder in holders { #expect(try await holder.end().code == .ok) }
            try await scene.becomesServing()
        }
    }
}
