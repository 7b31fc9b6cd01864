import Glibc

/// A container engine that a test may end, in a network of its own; the machine's own is never touched.
///
/// A program of `scripts/lib` keeps it, and removes all of it when this process ends, however it does.
final class OwnEngine: Sendable {
    /// Where an agent uses it.
    let place: Place
    private let folder: Folder
    private let keeper: ChildProcess
    private let commands: Int32
    /// The same engine by Docker's client.
    private let socket: Place

    /// Which engine.
    enum Kind: String, Sendable {
        case docker
        /// Podman behind Docker's API.
        case podman
    }

    /// How its process ends.
    enum End: String, Sendable {
        /// By SIGKILL: containers live on until the next start.
        case kill
        /// By SIGTERM: Docker stops its containers first.
        case end
    }

    /// Starts it with the image of these tests.
    init(_ kind: Kind = .docker) throws {
        let folder = try Folder()
        let pipe = try PipeEnds()
        defer { close(pipe.reading) }
        commands = pipe.writing
        // In a session of its own, so that Ctrl-C lets it clean up.
        keeper = try ChildProcess(
            [
                "/usr/bin/setsid", "unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc",
                "\(try Programs.repository)/scripts/lib/own_\(kind.rawValue)", folder.path,
            ], input: pipe.reading)
        let namespaces = "/proc/\(keeper.identifier)/ns"
        var place = Place(
            entry: ["/usr/bin/nsenter", "--net=\(namespaces)/net", "--"],
            dockerSocket: folder.file("docker.sock"))
        place.client += ["--host", "unix://\(folder.file("docker.sock"))"]
        socket = place
        if kind == .podman {
            // Of a container that Podman runs, Docker's client shows neither output nor exit code.
            place.client = [
                "/usr/bin/nsenter", "--net=\(namespaces)/net", "--mount=\(namespaces)/mnt",
                "--pid=\(namespaces)/pid_for_children", "--", "/usr/bin/env",
                "CONTAINERS_CONF=\(folder.file("containers.conf"))",
                "CONTAINERS_STORAGE_CONF=\(folder.file("storage.conf"))", try Programs.podman,
            ]
        }
        self.place = place
        self.folder = folder
        try start()
        try awaitAnswer()
        let image = folder.file("image.tar")
        try Docker.succeed(["save", "--output", image, try Harbour.image])
        try Docker.succeed(["load", "--input", image], in: socket)
    }

    /// Ends it, and waits until it has.
    func end(by end: End) throws { try tell(end.rawValue) }

    /// Starts it again; it answers a moment later.
    func start() throws { try tell("start") }

    /// Waits until it answers.
    func awaitAnswer() throws {
        try eventually(within: .seconds(120), "the engine to answer") {
            try Docker.run(["version"], in: socket).exitCode == 0
        }
    }

    /// Says a word to the keeper, and waits until it repeats it.
    private func tell(_ command: String) throws {
        let before = keeper.standardOutput
        let bytes = Array("\(command)\n".utf8)
        guard !keeper.hasEnded, write(commands, bytes, bytes.count) == bytes.count else {
            throw ChildProcess.Failed(description: "the engine's keeper is gone")
        }
        try eventually(within: .seconds(120), "the engine to \(command)") {
            if keeper.hasEnded {
                throw ChildProcess.Failed(
                    description: "the engine's keeper: \(keeper.standardError)")
            }
            return keeper.standardOutput == "\(before)\(command)\n"
        }
    }

    deinit {
        close(commands)
        _ = try? keeper.exitCode()
    }
}
