import PostgresClient
import SQL

/// Brings a database's schema up to this build.
struct Migrator {
    let sessions: any SessionRunner
    let migrations: [Migration]

    /// Why a schema is left as it is.
    enum Refusal: Error, CustomStringConvertible {
        /// A step that was applied is not the one that this build holds.
        case changed(version: Int32)
        /// A step was applied without the one before it.
        case gap(before: Int32)
        /// The database knows steps that this build does not.
        case newer(version: Int32, known: Int32)
        /// Steps are missing; only `berthd migrate` applies them.
        case behind(version: Int32, known: Int32)

        var description: String {
            switch self {
            case .changed(let version):
                "migration \(version) was applied in another form than this berthd holds"
            case .gap(let version):
                "migration \(version) was applied and the one before it was not"
            case .newer(let version, let known):
                "the database is at migration \(version), newer than this berthd knows (\(known)); "
                    + "run a newer berthd"
            case .behind(let version, let known):
                "the database is at migration \(version) of \(known); run: berthd migrate"
            }
        }
    }

    /// Applies what is missing, one transaction a step. Two at once: the second waits for the first.
    ///
    /// - Returns: The versions that were applied now.
    /// - Throws: ``Refusal`` or `PostgresError`.
    func migrate() async throws -> [Int32] {
        try await sessions.inSession { session in
            _ = try await session.query(Statements.lock, [.int64(Migrator.lockKey)])
            do {
                let applied = try await applyMissing(session)
                _ = try await session.query(Statements.unlock, [.int64(Migrator.lockKey)])
                return applied
            } catch {
                // The connection may be gone or in a failed transaction; closing it unlocks too.
                _ = try? await session.query(Statements.unlock, [.int64(Migrator.lockKey)])
                throw error
            }
        }
    }

    /// The configuration of a pool to migrate over: a step may take hours, and so may waiting for
    /// another's. A network that is cut is noticed by TCP's own keepalive.
    static func patient(_ configuration: PoolConfiguration) -> PoolConfiguration {
        var configuration = configuration
        configuration.statementDurationMax = .zero
        configuration.answerDurationMax = nil
        return configuration
    }

    /// Verifies that every step was applied, unchanged.
    /// - Throws: ``Refusal`` or `PostgresError`.
    func check() async throws {
        try await sessions.inSession { session in
            let exists = try await session.query(Statements.tableExists).first?.bool("found")
            let applied = exists == true ? try await readApplied(session) : 0
            let known = Int32(migrations.count)
            if applied < known { throw Refusal.behind(version: applied, known: known) }
        }
    }

    private func applyMissing(_ session: Session) async throws -> [Int32] {
        try await session.executeScript(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                version integer PRIMARY KEY CHECK (version > 0),
                name text NOT NULL,
                checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """)
        let applied = try await readApplied(session)
        let missing = migrations.filter { $0.version > applied }
        for migration in missing {
            // Name and checksum are this build's own constants, of letters, digits and hyphens.
            try await session.executeScript(
                """
                BEGIN;
                \(migration.sql)
                INSERT INTO schema_migrations (version, name, checksum)
                VALUES (\(migration.version), '\(migration.name)', '\(migration.checksum)');
                COMMIT;
                """)
        }
        return missing.map(\.version)
    }

    /// The newest version applied, after comparing every checksum.
    private func readApplied(_ session: Session) async throws -> Int32 {
        var newest: Int32 = 0
        for row in try await session.query(Statements.applied) {
            let version = try row.int32("version")
            guard version == newest + 1 else { throw Refusal.gap(before: version) }
            guard let known = migrations.first(where: { $0.version == version }) else {
                throw Refusal.newer(version: version, known: Int32(migrations.count))
            }
            guard known.checksum == (try row.text("checksum")) else {
                throw Refusal.changed(version: version)
            }
            newest = version
        }
        return newest
    }

    /// An arbitrary number that only Berth's migrations lock: "berth" in ASCII.
    private static let lockKey: Int64 = 0x62_6572_7468

    private enum Statements {
        static let lock = Statement("migrate_lock", "SELECT pg_advisory_lock($1)")
        static let unlock = Statement("migrate_unlock", "SELECT pg_advisory_unlock($1)")
        static let tableExists = Statement(
            "migrate_table_exists",
            "SELECT to_regclass('schema_migrations') IS NOT NULL AS found")
        static let applied = Statement(
            "migrate_applied", "SELECT version, checksum FROM schema_migrations ORDER BY version")
    }
}
