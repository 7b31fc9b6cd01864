import EventLoops
import TestSupport
import Testing

@Suite struct MigrateTests {
    @Test("several berthd migrate at once: one applies, the others wait for it", arguments: 0..<3)
    func atOnce(round: Int) async throws {
        let uri = try FaultyCluster.shared().freshDatabase()
        let programs = try (0..<4).map { _ in try migrate(uri) }
        for program in programs { #expect(program.exitCode() == 0, "\(program.text)") }
        #expect(programs.count { $0.text.contains("applied migrations: 1, 2") } == 1)
        #expect(programs.count { $0.text.contains("the schema is up to date") } == 3)
    }

    @Test("a berthd migrate killed at any message: the next one goes on where it was")
    func killed() async throws {
        let runs = try await onLoop { _, reactor in
            let stage = try await Stage(FaultyCluster.shared(), reactor)
            let clean = Trap(at: nil)
            _ = try await migrate(stage, into: clean)
            let points = clean.points(offsets: [.before])
            var runs = 0
            for number in stride(from: 0, to: points.count, by: 3) {
                var killed: RunningProgram?
                let trap = Trap(at: points[number]) { connection in
                    killed?.kill()
                    connection.cut()
                }
                let uri = try await migrate(stage, into: trap) { killed = $0 }
                #expect(trap.isSprung)
                let again = try migrate(uri)
                #expect(again.exitCode() == 0, "\(points[number]): \(again.text)")
                let oneMore = try migrate(uri)
                #expect(oneMore.exitCode() == 0)
                #expect(oneMore.text.contains("up to date"), "\(points[number]): \(oneMore.text)")
                runs += 1
            }
            await stage.end()
            return runs
        }
        print("faults: berthd migrate is killed by SIGKILL: \(runs) runs")
        #expect(runs > 20)
    }

    /// Runs `berthd migrate` on a fresh database through the proxy, until its end.
    /// - Returns: The database's address, past the proxy.
    private func migrate(
        _ stage: Stage, into trap: Trap, _ started: (RunningProgram) -> Void = { _ in }
    ) async throws -> String {
        let uri = try FaultyCluster.shared().freshDatabase()
        let database = uri.dropFirst("postgresql:///".count).prefix { $0 != "?" }
        stage.proxy.trap = trap
        let program = try migrate(
            "postgresql:///\(database)?host=\(stage.proxy.folder)&port=5432&user=berth")
        started(program)
        try await stage.eventually { !program.isRunning }
        stage.proxy.trap = nil
        try await stage.proxy.settle()
        return uri
    }

    private func migrate(_ uri: String) throws -> RunningProgram {
        try RunningProgram(
            [BerthdProcess.path, "migrate"], environment: ["BERTH_DATABASE_URL": uri])
    }
}
