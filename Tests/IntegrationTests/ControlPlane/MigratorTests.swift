import PostgresClient
import TestSupport
import Testing

@testable import ControlPlane

@Suite struct MigratorTests {
    /// A step of one's own.
    static func step(_ version: Int32, _ sql: String) throws -> Migration {
        try Migration(version: version, name: "step-\(version)", bytes: Array(sql.utf8))
    }

    static func migrate(_ uri: String, _ steps: [Migration]) async throws -> [Int32] {
        try await withPool(uri, configure: { $0 = Migrator.patient($0) }) { loop, pool in
            _ = loop
            return try await Migrator(sessions: pool, migrations: steps).migrate()
        }
    }

    static func check(_ uri: String, _ steps: [Migration]) async throws {
        try await withPool(uri) { loop, pool in
            _ = loop
            try await Migrator(sessions: pool, migrations: steps).check()
        }
    }

    /// What `body` is refused by.
    static func refusal(_ body: () async throws -> Void) async throws -> Migrator.Refusal {
        do {
            try await body()
        } catch let refusal as Migrator.Refusal {
            return refusal
        }
        throw NothingThrown()
    }

    static func name(of uri: String) -> String {
        String(uri.dropFirst("postgresql:///".count).prefix { $0 != "?" })
    }

    static func run(_ sql: String, _ uri: String) throws -> String {
        try TestPostgres.shared().run(sql: sql, in: name(of: uri))
    }

    @Test("an empty database gets every step in order, and a second time nothing happens")
    func twice() async throws {
        let uri = try TestPostgres.freshDatabase()
        let steps = try Migration.all()
        let first = try await Self.migrate(uri, steps)
        #expect(first == steps.map(\.version))
        #expect(first == Array(1...Int32(steps.count)))
        let rows = try Self.run("SELECT * FROM schema_migrations ORDER BY version", uri)
        let second = try await Self.migrate(uri, steps)
        #expect(second == [])
        #expect(try Self.run("SELECT * FROM schema_migrations ORDER BY version", uri) == rows)
        try await Self.check(uri, steps)
    }

    @Test("of two that migrate at once, one applies every step and the other finds them applied")
    func twoAtOnce() async throws {
        let steps = try Migration.all()
        for _ in 0..<5 {
            let uri = try TestPostgres.freshDatabase()
            async let first = Self.migrate(uri, steps)
            async let second = Self.migrate(uri, steps)
            let applied = try await [first, second]
            #expect(applied.contains(steps.map(\.version)))
            #expect(applied.contains([]))
            try await Self.check(uri, steps)
        }
    }

    @Test("while one migrates, the other waits for its lock")
    func waits() async throws {
        let uri = try TestPostgres.freshDatabase()
        _ = try Self.run("CREATE TABLE gate (open boolean)", uri)
        let untilOpen = """
            DO 'BEGIN
                WHILE NOT EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.02); END LOOP;
            END';
            """
        let steps = [try Self.step(1, untilOpen), try Self.step(2, "CREATE TABLE b ();")]
        async let first = Self.migrate(uri, steps)
        async let second = Self.migrate(uri, steps)
        var waiting = ""
        for _ in 0..<500 where waiting != "1" {
            waiting = try Self.run(
                """
                SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND wait_event_type = 'Lock' AND wait_event = 'advisory'
                """, uri)
            try await Task.sleep(for: .milliseconds(20))
        }
        _ = try Self.run("INSERT INTO gate VALUES (true)", uri)
        #expect(waiting == "1")
        let applied = try await [first, second]
        #expect(applied.contains([1, 2]))
        #expect(applied.contains([]))
    }

    @Test("a step, and waiting for another's, may take longer than any answer while serving")
    func patient() async throws {
        var serving = PoolConfiguration(uri: "")
        serving.statementDurationMax = .milliseconds(300)
        serving.answerDurationMax = .milliseconds(300)
        let steps = [try Self.step(1, "SELECT pg_sleep(1);")]
        let migrate = { @Sendable (uri: String, limits: PoolConfiguration) in
            try await withPool(
                uri,
                configure: { pool in
                    pool.statementDurationMax = limits.statementDurationMax
                    pool.answerDurationMax = limits.answerDurationMax
                }
            ) { loop, pool in
                _ = loop
                return try await Migrator(sessions: pool, migrations: steps).migrate()
            }
        }
        let uri = try TestPostgres.freshDatabase()
        do {
            _ = try await migrate(uri, serving)
            Issue.record("a step of a second passed a limit of 300 ms")
        } catch is PostgresError {}
        let patient = Migrator.patient(serving)
        async let first = migrate(uri, patient)
        async let second = migrate(uri, patient)
        let applied = try await [first, second]
        #expect(applied.contains([1]))
        #expect(applied.contains([]))
    }

    @Test("a newer build applies only what is missing")
    func continues() async throws {
        let uri = try TestPostgres.freshDatabase()
        let steps = try (1...3).map { try Self.step($0, "CREATE TABLE t\($0) ();") }
        var applied = try await Self.migrate(uri, Array(steps[..<1]))
        #expect(applied == [1])
        applied = try await Self.migrate(uri, steps)
        #expect(applied == [2, 3])
    }

    @Test("a step that fails leaves nothing of itself, keeps those before it, and can be repaired")
    func failing() async throws {
        let uri = try TestPostgres.freshDatabase()
        let good = try Self.step(1, "CREATE TABLE a ();")
        let broken = try Self.step(2, "CREATE TABLE b (); SELECT 1 / 0;")
        let error = try await postgresError { _ = try await Self.migrate(uri, [good, broken]) }
        #expect(error.sqlState == "22012")
        #expect(try Self.run("SELECT version FROM schema_migrations", uri) == "1")
        #expect(try Self.run("SELECT to_regclass('b') IS NULL", uri) == "t")
        let applied = try await Self.migrate(uri, [good, try Self.step(2, "CREATE TABLE b ();")])
        #expect(applied == [2])
    }

    @Test("a step that was applied in another form is refused, by migrate and by check")
    func changed() async throws {
        let uri = try TestPostgres.freshDatabase()
        _ = try await Self.migrate(uri, [try Self.step(1, "CREATE TABLE a ();")])
        let changed = [
            try Self.step(1, "CREATE TABLE a () ;"), try Self.step(2, "CREATE TABLE b ();"),
        ]
        for body in [
            { _ = try await Self.migrate(uri, changed) }, { try await Self.check(uri, changed) },
        ] {
            let refusal = try await Self.refusal(body)
            guard case .changed(1) = refusal else {
                Issue.record("refused otherwise: \(refusal)")
                continue
            }
        }
        #expect(try Self.run("SELECT to_regclass('b') IS NULL", uri) == "t")
    }

    @Test("a database that is newer than the build is refused, by migrate and by check")
    func newer() async throws {
        let uri = try TestPostgres.freshDatabase()
        let steps = try (1...2).map { try Self.step($0, "CREATE TABLE t\($0) ();") }
        _ = try await Self.migrate(uri, steps)
        let old = Array(steps[..<1])
        for body in [{ _ = try await Self.migrate(uri, old) }, { try await Self.check(uri, old) }] {
            let refusal = try await Self.refusal(body)
            guard case .newer(2, known: 1) = refusal else {
                Issue.record("refused otherwise: \(refusal)")
                continue
            }
            #expect(refusal.description.contains("newer berthd"))
        }
    }

    @Test("a database that is behind is refused by check, which says what to run")
    func behind() async throws {
        let uri = try TestPostgres.freshDatabase()
        let steps = try (1...2).map { try Self.step($0, "CREATE TABLE t\($0) ();") }
        for applied in [Int32(0), 1] {
            if applied > 0 { _ = try await Self.migrate(uri, Array(steps[..<Int(applied)])) }
            let refusal = try await Self.refusal { try await Self.check(uri, steps) }
            guard case .behind(applied, known: 2) = refusal else {
                Issue.record("refused otherwise: \(refusal)")
                continue
            }
            #expect(refusal.description.contains("berthd migrate"))
        }
    }
}
