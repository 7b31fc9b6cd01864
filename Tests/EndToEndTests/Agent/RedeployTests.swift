import TestSupport
import Testing

/// Data outlives containers.
@Suite struct RedeployTests {
    /// How often the service is deployed again.
    static let redeploys = 20

    @Test("redeployed 20 times under a writer, no acknowledged row is lost")
    func keepsRows() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        let identifier = try harbour.query(
            "SELECT system_identifier FROM pg_control_system()", database)
        let writer = try SiblingWriter(to: database, of: harbour)
        var seen = 0
        for round in 1...Self.redeploys {
            // Each container serves the writer for a while, or its end would prove little.
            try eventually("the writer of round \(round)") {
                try writer.acknowledged().count >= seen + 20
            }
            let deployment = try harbour.redeploy(database)
            #expect(try harbour.outcome(of: deployment) == "RUNNING", "round \(round)")
            seen = try writer.acknowledged().count
        }
        let acknowledged = try writer.stop()
        #expect(acknowledged.count >= 20 * Self.redeploys)
        let kept = Set(
            try harbour.query("SELECT n FROM written", database).split(separator: "\n")
                .compactMap { Int($0) })
        #expect(acknowledged.subtracting(kept).isEmpty, "lost: \(acknowledged.subtracting(kept))")
        #expect(
            try harbour.query("SELECT system_identifier FROM pg_control_system()", database)
                == identifier)
        #expect(try Docker.containers(of: database.serviceID).count == 1)
        #expect(try Docker.volumes(of: database.serviceID).count == 1)
    }

    @Test(
        "redeployed 20 times under pgbench, each transaction that it counts is there, and all balances"
    )
    func pgbench() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        let runner = try PgbenchRunner(on: database, of: harbour)
        func written() throws -> Int {
            try Int(harbour.query("SELECT count(*) FROM pgbench_history", database)) ?? 0
        }
        var seen = 0
        for round in 1...Self.redeploys {
            // Each container serves pgbench for a while, or its end would prove little.
            try eventually("pgbench to write in round \(round)") { try written() >= seen + 20 }
            let deployment = try harbour.redeploy(database)
            #expect(try harbour.outcome(of: deployment) == "RUNNING", "round \(round)")
            seen = try written()
        }
        let processed = try runner.stop()
        #expect(processed >= 20 * Self.redeploys)
        #expect(try written() >= processed, "transactions that were acknowledged are lost")
        let sums = try harbour.query(
            """
            SELECT (SELECT sum(delta) FROM pgbench_history) = (SELECT sum(abalance) FROM pgbench_accounts)
            AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches)
            AND (SELECT sum(delta) FROM pgbench_history) = (SELECT sum(bbalance) FROM pgbench_branches)
            """, database)
        #expect(sums == "t")
    }

    @Test("a database that admits its own environment's network alone is deployed again")
    func ownEnvironmentAlone() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let range = try Docker.inspect(
            "berth-env-\(database.environmentID)", "{{(index .IPAM.Config 0).Subnet}}")
        let container = try #require(try Docker.containers(of: database.serviceID).first)
        try Docker.succeed([
            "exec", container, "/bin/sh", "-c",
            "echo host all all \(range) scram-sha-256 > \"$PGDATA/pg_hba.conf\"",
        ])
        let deployment = try harbour.redeploy(database)
        let outcome = try harbour.outcome(of: deployment)
        let ended = try harbour.deployment(deployment)
        #expect(outcome == "RUNNING", "\(ended)")
        #expect(try harbour.query("SELECT answer FROM kept", database) == "42")
        // One that admits nobody says so, and what it says is no word about passwords.
        try Docker.succeed([
            "exec", try #require(try Docker.containers(of: database.serviceID).first), "/bin/sh",
            "-c", "echo local all all reject > \"$PGDATA/pg_hba.conf\"",
        ])
        let last = try harbour.redeploy(database)
        #expect(try harbour.outcome(of: last) == "FAILED")
        let failed = try harbour.deployment(last)
        #expect(failed["failureReason"].string == "LOGIN_NOT_ADMITTED", "\(failed)")
    }
}
