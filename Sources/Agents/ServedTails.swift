import Domain
import EventLoops
import PostgresClient

/// The log requests that one stream's agent answers: takes its chunks and passes them on by
/// notifications, wherever their readers are.
///
/// A chunk is passed on before the stream's next message is read, so an agent sends no faster than
/// PostgreSQL takes it; nor faster than ``AgentLimits/logBytesPerSecondMax``.
final class ServedTails {
    private struct Tail {
        let serviceID: ServiceID
        /// Whether there was room for one more.
        let hasPlace: Bool
        var sequence = 0
        /// Whether the agent was asked and has not ended it: else it need not hear that its reader left.
        var isAtAgent = false
    }

    private let needs: AgentGateway.Needs
    private var tails: [String: Tail] = [:]
    private var rate: LogRate
    private var beginnings: TailRate

    init(_ needs: AgentGateway.Needs) {
        self.needs = needs
        rate = LogRate(
            bytesPerSecondMax: needs.limits.logBytesPerSecondMax, now: needs.reactor.now)
        beginnings = TailRate(
            burstMax: needs.limits.tailsBurstMax, perMinuteMax: needs.limits.tailsPerMinuteMax,
            now: needs.reactor.now)
    }

    /// Notes a request as soon as it is heard of: that its reader left may be the next notice, before
    /// ``begin(_:)`` has begun.
    /// - Returns: Whether it is a new one.
    func note(_ request: LogRequest) -> Bool {
        guard tails[request.tailID] == nil else { return false }
        tails[request.tailID] = Tail(
            serviceID: request.serviceID, hasPlace: tails.count < needs.limits.tailsPerStreamMax)
        return true
    }

    /// Takes a noted request up and tells its reader so.
    /// - Returns: Whether the agent shall be asked.
    func begin(_ request: LogRequest) async throws -> Bool {
        guard let tail = tails[request.tailID] else { return false }
        guard tail.hasPlace else {
            try await refuse(request, LogChunk.tooManyTails)
            return false
        }
        guard beginnings.admits(now: Instant.now()) else {
            try await refuse(request, LogChunk.tooManyNewTails)
            return false
        }
        try await post(.begun, to: request.tailID)
        tails[request.tailID]?.isAtAgent = true
        return tails[request.tailID] != nil
    }

    private func refuse(_ request: LogRequest, _ error: String) async throws {
        try await post(.end(error: error), to: request.tailID)
        tails[request.tailID] = nil
    }

    /// Forgets a request.
    /// - Returns: Its service; nil when the agent has nothing to stop.
    func stop(_ tailID: String) -> ServiceID? {
        guard let tail = tails.removeValue(forKey: tailID), tail.isAtAgent else { return nil }
        return tail.serviceID
    }

    /// Passes a chunk on; one of a request that nobody reads any more is dropped.
    func received(_ chunk: AgentLogChunk) async throws {
        guard tails[chunk.tailID] != nil else { return }
        try await pay(for: chunk)
        if !chunk.lines.isEmpty { try await post(.lines(chunk.lines), to: chunk.tailID) }
        guard chunk.isEnd else { return }
        tails[chunk.tailID]?.isAtAgent = false
        try await post(.end(error: chunk.error), to: chunk.tailID)
        tails[chunk.tailID] = nil
    }

    /// Tells every reader that the agent is gone.
    func endAll() async {
        for tailID in tails.keys {
            // A reader that does not hear of it gives up when its own connection breaks.
            try? await post(.end(error: LogChunk.agentGone), to: tailID)
        }
        tails = [:]
    }

    private func pay(for chunk: AgentLogChunk) async throws {
        let bytes = chunk.lines.reduce(0) { $0 + $1.text.utf8.count + 1 }
        let pause = rate.pause(after: bytes, now: Instant.now())
        if pause > .zero { try await needs.reactor.sleep(for: pause) }
    }

    private func post(_ chunk: LogChunk, to tailID: String) async throws {
        guard let sequence = tails[tailID]?.sequence else { return }
        let notices = chunk.notices(tailID: tailID, from: sequence)
        tails[tailID]?.sequence += notices.count
        try await needs.sessions.inSession { session in
            for notice in notices {
                try await needs.store.notify(
                    LogChunkNotice.channel, notice.payload, in: session)
            }
        }
    }
}

extension LogChunk {
    /// Why logs end when the agent's stream does.
    static let agentGone = "AGENT_GONE"
    /// Why logs do not begin when ``AgentLimits/tailsPerStreamMax`` are being read.
    static let tooManyTails = "TOO_MANY_TAILS"
    /// Why logs do not begin when ``AgentLimits/tailsPerMinuteMax`` did.
    static let tooManyNewTails = "TOO_MANY_NEW_TAILS"
}
