public import ArgumentParser

/// `berth-agent`: Berth's program on each server.
public struct AgentCommand: ParsableCommand {
    /// What `--help` shows.
    public static let configuration = CommandConfiguration(
        commandName: "berth-agent",
        abstract: "Berth's agent: it runs a server's databases, as the control plane asks.",
        discussion: """
            Register once with a token that the control plane minted for this server, then run. The \
            agent calls the control plane and is never called.
            """,
        version: AgentVersion.text,
        subcommands: [RegisterCommand.self, RunCommand.self])

    /// Made by the parser.
    public init() {}
}
