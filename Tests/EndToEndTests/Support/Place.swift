/// Where a Berth's programs run, and which engine its agent uses.
struct Place: Sendable {
    /// A program that goes there and starts another, with its arguments; none for here.
    var entry: [String] = []
    /// The engine's socket; nil for the machine's engine.
    var dockerSocket: String?
    /// The engine's own client, a program with its first arguments.
    var client = ["/usr/bin/env", "docker"]

    /// Here, with the machine's engine.
    static let machine = Place()

    /// Arguments of `berth-agent run`.
    var agentArguments: [String] { dockerSocket.map { ["--docker-socket", $0] } ?? [] }
}
