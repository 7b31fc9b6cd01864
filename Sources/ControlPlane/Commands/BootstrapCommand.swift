import Agents
import ArgumentParser
import Auth
import Config
import Domain
import PostgresClient
import Workspaces

/// `berthd bootstrap`.
struct BootstrapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootstrap",
        abstract: "Make the first workspace, project, environment, server and owner's token.",
        discussion: """
            Run again, it prints the same ids and new tokens; the tokens of the run before are \
            worth nothing then, but an agent that registered with one stays registered. Given the \
            master key, it also makes the key that signs agents' jobs, which 'berthd serve' does \
            otherwise.
            """)

    @Flag(help: "Print one JSON object.")
    var json = false
    @Option(help: "The file that 'berthd keygen' made; else BERTH_MASTER_KEY_FILE, if set.")
    var masterKeyFile: String?
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        let configuration = PoolConfiguration(uri: try database.databaseURL())
        let sealer = try (masterKeyFile ?? environment("BERTH_MASTER_KEY_FILE"))
            .map { try MasterKeySealer(masterKey: try MasterKeyFile.read($0)) }
        let outcome = try withPool(configuration) { _, pool in
            try await Migrator(sessions: pool, migrations: try Migration.all()).check()
            if let sealer {
                try await KeyCheck(sealer: sealer).verify(pool)
                _ = try await SigningKeyVault(sealer: sealer, clock: SystemWallClock()).key(pool)
            }
            return try await Bootstrap(
                transactions: pool, auth: AuthModule(), workspaces: WorkspacesModule(),
                servers: ServerRegistrar(), clock: SystemWallClock()
            ).run()
        }
        let fields = [
            ("token", outcome.token.revealed), ("workspace_id", outcome.workspaceID.description),
            ("project_id", outcome.projectID.description),
            ("environment_id", outcome.environmentID.description),
            ("server_id", outcome.serverID.description),
            ("agent_registration_token", outcome.registrationToken.revealed),
        ]
        if json {
            // Tokens and ids hold no character that JSON escapes.
            print("{\(fields.map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", "))}")
        } else {
            for (name, value) in fields { print("\(name): \(value)") }
        }
    }
}
