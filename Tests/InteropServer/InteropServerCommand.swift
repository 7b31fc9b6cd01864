import ArgumentParser
import Cryptography
import EventLoops
import Glibc
import HTTP2
import Logging
import RPC
import TLS

/// `interop-server`: serves `grpc.testing.TestService` by Berth's own transport, so that other
/// people's clients can try it.
struct InteropServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interop-server",
        abstract: "Serve grpc.testing.TestService until SIGTERM, then drain.")

    @Option(help: "The port to listen on; 0 takes a free one and prints it.")
    var port: UInt16 = 0
    @Option(help: "The IP address to listen on.")
    var host = "127.0.0.1"
    @Option(help: "A PEM file: the certificate, then those that lead to its authority.")
    var tlsCert: String?
    @Option(help: "A PEM file: the certificate's private key.")
    var tlsKey: String?
    @Option(help: "The one limit that shall be a short time, for a test of it.")
    var brisk: BriskLimit?
    @Option(help: "Event loops, each a thread with a server of its own on the same port.")
    var loops = 1
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "warning"

    func run() throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw ValidationError("--log-level \(logLevel): no such level")
        }
        guard let address = SocketAddress(host: host, port: port) else {
            throw ValidationError("--host \(host): must be an IP address")
        }
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let logger = {
            var logger = Logger(label: "interop-server")
            logger.logLevel = level
            return logger
        }()
        let credentials = try self.credentials()
        let limits = brisk?.limits ?? ServerLimits()
        SignalSource.block(StopHandler.signals)
        SignalSource.ignoreBrokenPipes()
        let first = try EventLoop()
        let others = try (1..<max(1, loops)).map { _ in try EventLoop() }
        let all = InteropLoops(first: first, count: 1 + others.count)
        try first.run { loop, reactor in
            let server = try InteropService(
                reactor: reactor, tls: credentials, limits: limits, logger: logger)
            let listening = try server.listen(on: address)
            // Held by the reactor.
            _ = try SignalSource(StopHandler.signals, reactor: reactor, handler: StopHandler(all))
            let say: @Sendable (Bool) -> Void = { isComplete in
                guard isComplete, address.port == 0 else { return }
                InteropServerCommand.say("\(listening.port)\n")
            }
            say(all.add(LoopBound(server, loop: loop), loop))
            for other in others {
                try other.runOnNewThread { loop, reactor in
                    let server = try InteropService(
                        reactor: reactor, tls: credentials, limits: limits, logger: logger)
                    _ = try server.listen(on: listening, sharesPort: true)
                    say(all.add(LoopBound(server, loop: loop), loop))
                } failed: { error in
                    logger.critical("a loop failed", metadata: ["error": "\(error)"])
                    Glibc.exit(1)
                } ended: {
                    all.ended()
                }
            }
        }
    }

    /// Reads the certificate and the key. Unlike berthd's, a test's key may be readable by others.
    private func credentials() throws -> ServerCredentials? {
        guard let tlsCert, let tlsKey else {
            guard tlsCert == nil, tlsKey == nil else {
                throw ValidationError("--tls-cert and --tls-key belong together: give both")
            }
            return nil
        }
        let credentials = try ServerCredentials(
            certificateChain: PEMFile.read(tlsCert, isSecret: false),
            privateKey: .init(copying: PEMFile.read(tlsKey, isSecret: false)))
        try credentials.verify()
        return credentials
    }

    /// Writes a line on standard output at once: whoever waits for it reads a pipe.
    private static func say(_ text: String) {
        let bytes = Array(text.utf8)
        // Safe: the kernel reads `count` bytes of a live array.
        _ = unsafe write(STDOUT_FILENO, bytes, bytes.count)
    }
}

/// Drains on the first signal; on the second the process ends at once.
private final class StopHandler: SignalHandler {
    static let signals = [SIGTERM, SIGINT]
    /// Long: what is cut off at its end is a failure of the test, however busy the machine is.
    private static let grace = Duration.seconds(300)

    private let loops: InteropLoops
    private var isStopping = false

    init(_ loops: InteropLoops) { self.loops = loops }

    func received(_ signal: Int32, on loop: isolated EventLoop) {
        if isStopping { exit(1) }
        isStopping = true
        loops.drain(grace: StopHandler.grace)
    }
}
