import ArgumentParser
import DockerEngine
import Domain
import EventLoops
import Glibc
import Logging

/// `berth-agent run`.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Do the control plane's work until SIGTERM; containers stay as they are.")

    @Option(help: "The folder that 'berth-agent register' wrote.")
    var stateDir: String
    @Option(help: "Where Docker listens.")
    var dockerSocket = DockerClient.socketPathDefault
    @Flag(help: "Start containers without the firewall's rule that keeps them from this server.")
    var withoutFirewall = false
    @Option(
        help: ArgumentHelp(
            "Volumes of each template that are initialised ahead.", valueName: "count"))
    var spareVolumes = SpareVolumes.countDefault
    @Option(
        name: .customLong("tls-ca"),
        help: "A PEM file: who vouches for the control plane; else what was registered with.")
    var authorities: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"

    func run() throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--log-level \(logLevel): must be one of \(levels)")
        }
        guard (0...SpareVolumes.countMax).contains(spareVolumes) else {
            throw ValidationError(
                "--spare-volumes \(spareVolumes): must be from 0 to \(SpareVolumes.countMax)")
        }
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "berth-agent")
        logger.logLevel = level
        let folder = StateFolder(path: stateDir)
        let identity = try folder.load()
        let lock = try folder.lock()
        var pem: [UInt8]?
        if let authorities {
            do {
                pem = try SmallFile.read(authorities)
            } catch {
                throw ValidationError("--tls-ca \(authorities): \(error)")
            }
        }
        try work(identity, in: folder, authorities: pem, logger)
        // Held until here: it is given back where it is last used.
        _ = consume lock
    }

    private func work(
        _ identity: AgentIdentity, in folder: StateFolder, authorities: [UInt8]?, _ logger: Logger
    ) throws {
        SignalSource.block([SIGTERM, SIGINT])
        SignalSource.ignoreBrokenPipes()
        let workers = try WorkerPool(threads: 2)
        let (socket, hasFirewall, spares) = (dockerSocket, !withoutFirewall, spareVolumes)
        try EventLoop.runOnce { loop, reactor in
            let kept = KeptRegistration(
                folder: folder, authorities: authorities, workers: workers, reactor: reactor,
                logger: logger)
            let agent = Agent(
                registration: try kept.registration(of: identity), kept: kept,
                memory: DesiredFile(folder: folder.path, workers: workers, logger: logger),
                client: try DockerClient(reactor: reactor, socketPath: socket), workers: workers,
                firewall: hasFirewall ? Firewall(workers: workers, logger: logger) : nil,
                spareCount: spares, reactor: reactor, logger: logger)
            let stop = StopHandler(agent, logger)
            let signals = try SignalSource([SIGTERM, SIGINT], reactor: reactor, handler: stop)
            logger.notice(
                "working",
                metadata: ["server": "\(identity.serverName)", "server_id": "\(identity.serverID)"])
            await agent.run(on: loop)
            signals.cancel()
            logger.notice("stopped")
        }
    }
}

/// Stops the agent on the first signal; on the second the process ends at once.
private final class StopHandler: SignalHandler {
    private let agent: Agent
    private let logger: Logger
    private var isStopping = false

    init(_ agent: Agent, _ logger: Logger) {
        self.agent = agent
        self.logger = logger
    }

    func received(_ signal: Int32, on loop: isolated EventLoop) {
        if isStopping {
            logger.warning("second signal: ending at once")
            exit(1)
        }
        isStopping = true
        logger.notice("stopping", metadata: ["signal": "\(signal)"])
        agent.stop()
    }
}
