import ArgumentParser
import Auth
import Domain
import PostgresClient
import Workspaces

/// `berthd bootstrap`.
struct BootstrapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootstrap",
        abstract: "Make the first workspace, project, environment, server and owner's token.",
        discussion: """
            Run again, it prints the same ids and a new token, and revokes the token of the run \
            before.
            """)

    @Flag(help: "Print one JSON object.")
    var json = false
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        let configuration = PoolConfiguration(uri: try database.databaseURL())
        let outcome = try withPool(configuration) { _, pool in
            try await Migrator(sessions: pool, migrations: try Migration.all()).check()
            return try await Bootstrap(
                transactions: pool, auth: AuthModule(), workspaces: WorkspacesModule(),
                clock: SystemWallClock()
            ).run()
        }
        let fields = [
            ("token", outcome.token.revealed), ("workspace_id", outcome.workspaceID.description),
            ("project_id", outcome.projectID.description),
            ("environment_id", outcome.environmentID.description),
            ("server_id", outcome.serverID.description),
        ]
        if json {
            // Tokens and ids hold no character that JSON escapes.
            print("{\(fields.map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", "))}")
        } else {
            for (name, value) in fields { print("\(name): \(value)") }
        }
    }
}
