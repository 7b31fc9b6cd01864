import ArgumentParser

/// `berthd keygen`.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make a master key, which seals every secret; keep a copy elsewhere.")

    @Option(help: "The file to write, mode 0600; an existing one is never overwritten.")
    var out: String

    func run() throws {
        try MasterKeyFile.generate(at: out)
        print("wrote \(out); without it no secret of the database can be read: keep a copy")
    }
}
