public import EventLoops
public import Logging

/// Listens for PostgreSQL's notifications over a connection of its own, which it reopens by itself.
///
/// A notification is a hint: those sent while the listener is not connected are lost, so whoever
/// relies on it also looks for work whenever ``Events/connected`` is called. Not Sendable: it belongs
/// to its loop.
public final class NotificationListener {
    /// What the listener tells, on its loop.
    public struct Events {
        /// Called for each notification on one of the channels.
        public var received: (_ channel: String, _ payload: String) -> Void
        /// Called each time the listener has begun to listen; notifications may have been missed
        /// before.
        public var connected: () -> Void

        /// Names what to call.
        public init(
            received: @escaping (_ channel: String, _ payload: String) -> Void,
            connected: @escaping () -> Void = {}
        ) {
            self.received = received
            self.connected = connected
        }
    }

    /// Whether the listener hears notifications now.
    public private(set) var isListening = false

    private let reactor: Reactor
    private let workers: WorkerPool
    private let configuration: PoolConfiguration
    private let settings: ConnectionSettings
    private let script: String
    private let events: Events
    private let logger: Logger
    private var attempt: ConnectionAttempt?
    private var connection: PipelinedConnection?
    private var backoff = Backoff()
    private var backoffTimer: LoopTimer?
    private var isStopped = true

    /// Makes a listener that connects at ``start()``.
    ///
    /// - Parameter channels: Lower-case names of letters, digits and underscores; constants of the
    ///   program.
    /// - Throws: ``PostgresError`` `.connectionFailed` when the URI is malformed.
    public init(
        reactor: Reactor, workers: WorkerPool, configuration: PoolConfiguration, channels: [String],
        events: Events, logger: Logger = Logger(label: "berth.postgres")
    ) throws(PostgresError) {
        precondition(
            channels.allSatisfy { $0.utf8.allSatisfy(NotificationListener.isPlain) },
            "a channel's name goes into SQL text as it is")
        self.reactor = reactor
        self.workers = workers
        self.configuration = configuration
        self.events = events
        self.logger = logger
        settings = try ConnectionSettings(configuration)
        script = channels.map { "LISTEN \($0);" }.joined()
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Connects and listens until ``stop()``.
    public func start() {
        guard isStopped else { return }
        isStopped = false
        connect()
    }

    /// Closes the connection.
    public func stop() {
        isStopped = true
        isListening = false
        backoffTimer?.cancel()
        attempt?.abandon()
        attempt = nil
        connection?.lostWhileIdle = nil
        connection?.close()
        connection = nil
    }

    private func connect() {
        let attempt = ConnectionAttempt(reactor: reactor, settings: settings) {
            [weak self] _, result in
            self?.attempt = nil
            self?.attempted(result)
        }
        self.attempt = attempt
        attempt.start(workers: workers, durationMax: configuration.connectDurationMax)
    }

    private func attempted(_ result: Result<ConnectionHandle, PostgresError>) {
        do {
            let connection = try PipelinedConnection(
                result.get(), reactor: reactor, workers: workers, configuration: configuration)
            self.connection = connection
            connection.notified = { [weak self] in self?.events.received($0, $1) }
            connection.lostWhileIdle = { [weak self, unowned connection] in
                self?.retry(after: connection.lossError)
            }
            let script = PendingScript()
            script.finished = { [weak self, unowned script] in
                self?.listening(failure: script.failure)
            }
            _ = try connection.startScript(self.script, script)
        } catch {
            retry(after: error)
        }
    }

    private func listening(failure: PostgresError?) {
        if let failure {
            retry(after: failure)
            return
        }
        backoff.reset()
        isListening = true
        events.connected()
    }

    private func retry(after error: any Error) {
        guard !isStopped else { return }
        isListening = false
        connection?.lostWhileIdle = nil
        connection?.close()
        connection = nil
        logger.warning("not listening to PostgreSQL", metadata: ["cause": "\(error)"])
        backoffTimer?.cancel()
        let pause = backoff.next(min: configuration.backoffMin, max: configuration.backoffMax)
        backoffTimer = reactor.schedule(after: pause) { [weak self] in self?.connect() }
    }
}
