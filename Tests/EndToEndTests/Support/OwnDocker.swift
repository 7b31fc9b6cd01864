import Glibc

/// A Docker engine that a test may end, in a network of its own; the machine's own is never touched.
///
/// `scripts/lib/own_docker` keeps it, and removes all of it when this process ends, however it does.
final class OwnDocker: Sendable {
    /// Where an agent uses it.
    let place: Place
    private let folder: Folder
    private let keeper: ChildProcess
    private let commands: Int32

    /// How its process ends.
    enum End: String, Sendable {
        /// By SIGKILL: containers live on until the next start.
        case kill
        /// By SIGTERM: it stops its containers first.
        case end
    }

    /// Starts it with the image of these tests.
    init() throws {
        let folder = try Folder()
        let pipe = try PipeEnds()
        defer { close(pipe.reading) }
        commands = pipe.writing
        // In a session of its own, so that Ctrl-C lets it clean up.
        keeper = try ChildProcess(
            [
                "/usr/bin/setsid", "unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc",
                "\(try Programs.repository)/scripts/lib/own_docker", folder.path,
            ], input: pipe.reading)
        let namespace = "/proc/\(keeper.identifier)/ns/net"
        place = Place(
            entry: ["/usr/bin/nsenter", "--net=\(namespace)", "--"],
            dockerSocket: folder.file("docker.sock"))
        self.folder = folder
        try start()
        try awaitAnswer()
        let image = folder.file("image.tar")
        try Docker.succeed(["save", "--output", image, try Harbour.image])
        try Docker.succeed(place.docker + ["load", "--input", image])
    }

    /// Ends it, and waits until it has.
    func end(by end: End) throws { try tell(end.rawValue) }

    /// Starts it again; it answers a moment later.
    func start() throws { try tell("start") }

    /// Waits until it answers.
    func awaitAnswer() throws {
        try eventually("Docker to answer") {
            try Docker.run(place.docker + ["version"]).exitCode == 0
        }
    }

    /// Says a word to the keeper, and waits until it repeats it.
    private func tell(_ command: String) throws {
        let before = keeper.standardOutput
        let bytes = Array("\(command)\n".utf8)
        guard !keeper.hasEnded, write(commands, bytes, bytes.count) == bytes.count else {
            throw ChildProcess.Failed(description: "the keeper of Docker is gone")
        }
        try eventually(within: .seconds(75), "Docker to \(command)") {
            if keeper.hasEnded {
                throw ChildProcess.Failed(description: "own_docker: \(keeper.standardError)")
            }
            return keeper.standardOutput == "\(before)\(command)\n"
        }
    }

    deinit {
        close(commands)
        _ = try? keeper.exitCode(within: .seconds(30))
    }
}
