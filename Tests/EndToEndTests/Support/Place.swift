/// Where a Berth's programs run, and which engine its agent uses.
struct Place: Sendable {
    /// A program that goes there and starts another, with its arguments; none for here.
    var entry: [String] = []
    /// The engine's socket; nil for the machine's engine.
    var dockerSocket: String?

    /// Here, with the machine's engine.
    static let machine = Place()

    /// The first arguments of Docker's client.
    var docker: [String] { dockerSocket.map { ["--host", "unix://\($0)"] } ?? [] }
    /// Arguments of `berth-agent run`.
    var agentArguments: [String] { dockerSocket.map { ["--docker-socket", $0] } ?? [] }
}
