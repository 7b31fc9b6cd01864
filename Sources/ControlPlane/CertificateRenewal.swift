import EventLoops
import Logging
import TLS

/// Reads the certificate's files again when they change, on SIGHUP, and once a day for new ticket
/// keys, and hands them to every loop. No connection ends by it.
final class CertificateRenewal {
    private let files: ServerCertificateFiles
    private var stamp: ServerCertificateFiles.Stamp
    private var readAt: Instant
    private let workers: WorkerPool
    private let reactor: Reactor
    private let logger: Logger
    private let replace: (ServerCredentials) -> Void
    private var isReading = false

    /// How often the files are looked at.
    static let checkInterval = Duration.seconds(30)
    /// How long one set of ticket keys is used: whoever steals them from memory can read the TLS 1.2
    /// sessions that they sealed, so they do not live as long as the process.
    static let ticketKeysTimeMax = Duration.seconds(24 * 60 * 60)

    init(
        _ encryption: ServeConfiguration.Encryption, workers: WorkerPool, reactor: Reactor,
        logger: Logger, replace: @escaping (ServerCredentials) -> Void
    ) {
        files = encryption.files
        stamp = encryption.stamp
        readAt = reactor.now
        self.workers = workers
        self.reactor = reactor
        self.logger = logger
        self.replace = replace
    }

    /// Looks at the files now and then, as long as the loop turns.
    func checkRegularly(on loop: isolated EventLoop) {
        reactor.schedule(after: CertificateRenewal.checkInterval) { [weak self] in
            guard let self else { return }
            let isOld =
                readAt.duration(to: reactor.now) > CertificateRenewal.ticketKeysTimeMax
            begin(on: loop, always: isOld)
            checkRegularly(on: loop)
        }
    }

    /// Reads the files, unless that is going on already; `always`: even if they did not change.
    func begin(on loop: isolated EventLoop, always: Bool) {
        guard !isReading else { return }
        isReading = true
        Task.immediate(executorPreference: loop.executor) {
            _ = loop
            await read(always: always)
            isReading = false
        }
    }

    private func read(always: Bool) async {
        do {
            let files = files
            let known = stamp
            let outcome = try await workers.run {
                let stamp = files.stamp()
                guard always || stamp != known else {
                    return (stamp, credentials: ServerCredentials?.none)
                }
                let credentials = try files.read()
                try credentials.verify()
                return (stamp, credentials)
            }
            guard let credentials = outcome.credentials else { return }
            stamp = outcome.0
            readAt = reactor.now
            replace(credentials)
            logger.notice(
                "TLS certificate read again", metadata: ["file": "\(files.certificateChain)"])
        } catch {
            // The old certificate stays in use. A renewal in two steps (certificate, then key) looks
            // like this for a moment, and the next check finds it whole.
            logger.warning(
                "TLS certificate not replaced: its files are of no use",
                metadata: ["error": "\(error)"])
        }
    }
}
