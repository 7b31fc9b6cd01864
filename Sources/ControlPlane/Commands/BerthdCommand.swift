public import ArgumentParser

/// `berthd`: the control plane's program.
public struct BerthdCommand: ParsableCommand {
    /// What `--help` shows.
    public static let configuration = CommandConfiguration(
        commandName: "berthd",
        abstract: "Berth's control plane: it gives an environment its database in one call.",
        discussion: """
            PostgreSQL's address comes from BERTH_DATABASE_URL or --database-url-file, \
            never from an argument: arguments can be read by every user of the machine.
            """,
        subcommands: [
            ServeCommand.self, MigrateCommand.self, BootstrapCommand.self, KeygenCommand.self,
        ])

    /// Made by the parser.
    public init() {}
}
