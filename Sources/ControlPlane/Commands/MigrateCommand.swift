import ArgumentParser
import PostgresClient

/// `berthd migrate`.
struct MigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database's schema up to this build.")

    @OptionGroup var database: DatabaseOptions

    func run() throws {
        let configuration = Migrator.patient(
            PoolConfiguration(uri: try database.databaseURL()))
        let applied = try withPool(configuration) { _, pool in
            try await Migrator(sessions: pool, migrations: try Migration.all()).migrate()
        }
        if applied.isEmpty {
            print("the schema is up to date")
        } else {
            print("applied migrations: \(applied.map(String.init).joined(separator: ", "))")
        }
    }
}
