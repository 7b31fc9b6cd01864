import PostgresClient
import Synchronization
import TestSupport

@testable import ControlPlane

/// A database with the schema of this build and the tenants of ``Tenancy``, used by one test alone.
///
/// The first test migrates and fills one database; every other is a copy of it.
struct MigratedDatabase: Sendable {
    /// Its name in the shared cluster.
    let name: String
    /// Who and what is in it.
    let tenancy: Tenancy
    private let cluster: TestPostgres

    /// The address for a pool.
    var uri: String { get throws { cluster.uri(name) } }

    /// A fresh copy.
    static func make() async throws -> MigratedDatabase {
        let tenancy = try await template.value
        let name = "copy_\(count.add(1, ordering: .relaxed).newValue)"
        try TestPostgres.shared().run(
            sql: "CREATE DATABASE \(name) TEMPLATE \(templateName)", in: "postgres")
        return MigratedDatabase(name: name, tenancy: tenancy, cluster: try TestPostgres.shared())
    }

    /// One in a cluster of its own, for tests that stop it.
    static func make(in cluster: TestPostgres) async throws -> MigratedDatabase {
        try cluster.run(sql: "CREATE DATABASE \(templateName)", in: "postgres")
        return MigratedDatabase(
            name: templateName, tenancy: try await fill(cluster), cluster: cluster)
    }

    /// Runs SQL text as an administrator would, apart from Berth's own connections; rows as lines,
    /// columns parted by `|`.
    @discardableResult
    func run(_ sql: String) throws -> String {
        try cluster.run(sql: sql, in: name)
    }

    /// How many rows a table has.
    func count(_ table: String) throws -> Int {
        try Int(run("SELECT count(*) FROM \(table)")) ?? -1
    }

    private static let templateName = "migrated"
    private static let count = Atomic<Int>(0)
    private static let template = Task<Tenancy, any Error> {
        let cluster = try TestPostgres.shared()
        try cluster.run(sql: "CREATE DATABASE \(templateName)", in: "postgres")
        return try await fill(cluster)
    }

    private static func fill(_ cluster: TestPostgres) async throws -> Tenancy {
        try await withPool(cluster.uri(templateName)) { _, pool in
            _ = try await Migrator(sessions: pool, migrations: try Migration.all()).migrate()
            return try await Tenancy.insert(pool)
        }
    }
}
