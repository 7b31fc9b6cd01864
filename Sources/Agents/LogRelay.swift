import Cryptography
public import Domain
public import EventLoops
public import PostgresClient

/// Reads logs for the callers of one loop, from whichever loop of whichever process has the stream of
/// the server's agent.
public final class LogRelay {
    private let sessions: any SessionRunner
    private let store: any AgentStore
    private let reactor: Reactor
    private let limits: AgentLimits
    private var tails: [String: WeakTail] = [:]
    private var isStopped = false

    private struct WeakTail {
        weak var tail: RelayedLogTail?
    }

    /// Makes a relay.
    public init(
        sessions: any SessionRunner, reactor: Reactor, limits: AgentLimits = AgentLimits(),
        store: any AgentStore = PostgresAgentStore()
    ) {
        self.sessions = sessions
        self.reactor = reactor
        self.limits = limits
        self.store = store
    }

    /// How many readers there are.
    public var tailCount: Int { tails.count }

    /// Begins to read the output of a service's container.
    ///
    /// - Parameters:
    ///   - secrets: What is replaced in every line before anyone sees it.
    ///   - tailLines: How many lines from the end to begin with.
    ///   - follow: Whether to go on with what is written from then on.
    /// - Throws: `Problem`: `unavailable` when the server's agent is away or does not take the request
    ///   up within ``AgentLimits/tailBeginTimeMax``, `failedPrecondition` when there is no container
    ///   (that may also be thrown when reading).
    public func tail(
        serviceID: ServiceID, serverID: ServerID, secrets: [SecretText], tailLines: Int32,
        follow: Bool
    ) async throws -> any LogTail {
        guard !isStopped else { throw Problem.stopping }
        let tailID = Hexadecimal.text(try SecureRandom.bytes(16))
        let tail = RelayedLogTail(
            reactor: reactor, bytesMax: limits.tailBytesQueuedMax,
            redactor: SecretRedactor(secrets)
        ) { [weak self] in
            self?.forget(tailID, of: serviceID, on: serverID)
        }
        tails[tailID] = WeakTail(tail: tail)
        try await notify(
            LogRequestNotice(
                tailID: tailID, serverID: serverID, serviceID: serviceID,
                wish: .begin(tailLines: tailLines, follow: follow)))
        try await tail.begun(within: limits.tailBeginTimeMax)
        return tail
    }

    /// Takes a piece that the process heard, if it is for one of this loop's readers.
    public func received(_ notice: LogChunkNotice) { tails[notice.tailID]?.tail?.received(notice) }

    /// Ends all reading: notices may have been missed, and with them lines.
    public func endAll() {
        for entry in tails.values { entry.tail?.fail(.logsLost) }
    }

    /// Ends all reading and begins no more: a loop that drains does not wait for readers.
    public func stop() {
        isStopped = true
        for entry in tails.values { entry.tail?.fail(.stopping) }
    }

    private func forget(_ tailID: String, of serviceID: ServiceID, on serverID: ServerID) {
        guard tails.removeValue(forKey: tailID) != nil else { return }
        let notice = LogRequestNotice(
            tailID: tailID, serverID: serverID, serviceID: serviceID, wish: .stop)
        // A lost one costs little: the agent's chunks then end at the stream's loop or here.
        reactor.begin { try? await self.notify(notice) }
    }

    private func notify(_ notice: LogRequestNotice) async throws {
        try await sessions.inSession { session in
            try await store.notify(LogRequestNotice.channel, notice.payload, in: session)
        }
    }
}

extension Problem {
    static var logsLost: Problem {
        Problem(.unavailable, "lines were lost on their way; ask for the logs again")
    }
}
