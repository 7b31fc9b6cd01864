import Agents
import Domain
import EventLoops
import Logging
import PostgresClient

/// Something that a process heard from PostgreSQL, for every loop to act on or not.
enum Notice: Hashable, Sendable {
    /// Something changed.
    case change(ChangeNotice)
    /// An agent's stream began or ended.
    case agentSession(AgentSessionNotice)
    /// Someone wants logs.
    case logRequest(LogRequestNotice)
    /// A piece of logs.
    case logChunk(LogChunkNotice)
    /// The process begins to listen: others may have been missed.
    case listening

    static let channels = [
        ChangeNotice.channel, AgentSessionNotice.channel, LogRequestNotice.channel,
        LogChunkNotice.channel,
    ]

    /// Reads a notification; nil when it is none of ours.
    init?(channel: String, payload: String) {
        let notice: Notice? =
            switch channel {
            case ChangeNotice.channel: ChangeNotice(payload: payload).map { .change($0) }
            case AgentSessionNotice.channel:
                AgentSessionNotice(payload: payload).map { .agentSession($0) }
            case LogRequestNotice.channel:
                LogRequestNotice(payload: payload).map { .logRequest($0) }
            case LogChunkNotice.channel: LogChunkNotice(payload: payload).map { .logChunk($0) }
            default: nil
            }
        guard let notice else { return nil }
        self = notice
    }
}

/// The one connection of a process that listens; lives on the first loop.
final class NoticeListener {
    private let listener: NotificationListener

    /// - Parameter tell: Called for each notice, on the listener's loop.
    init(
        _ pool: PoolConfiguration, workers: WorkerPool, reactor: Reactor, logger: Logger,
        tell: @escaping (Notice) -> Void
    ) throws {
        var configuration = pool
        configuration.applicationName = "berthd listener"
        listener = try NotificationListener(
            reactor: reactor, workers: workers, configuration: configuration,
            channels: Notice.channels,
            events: NotificationListener.Events(
                received: { channel, payload in
                    guard let notice = Notice(channel: channel, payload: payload) else {
                        logger.warning("unreadable notification", metadata: ["on": "\(channel)"])
                        return
                    }
                    tell(notice)
                },
                connected: { tell(.listening) }),
            logger: logger)
    }

    /// Whether notices are heard now.
    var isListening: Bool { listener.isListening }

    func start() { listener.start() }
    func stop() { listener.stop() }
}
