import EventLoops
import Logging

extension ConnectionPool {
    /// Finds out whether PostgreSQL answers, and notes it in ``isAvailable``: for health reports.
    ///
    /// Asks over a connection that is free or that the limit allows. When callers have them all, it
    /// takes nobody's turn: what those hear says enough. PostgreSQL counts as away once none of them
    /// has heard a word for `limit` of what it was asked.
    ///
    /// - Parameter limit: How long an answer may take; past it ``isAvailable`` is false at once. This
    ///   returns a little later at the latest when a connection is being opened.
    public func assess(within limit: Duration) async {
        guard !isClosed else { return }
        guard isFreeToAsk else { return judge(by: inUse, limit) }
        let asked = Asked()
        let timer = reactor.schedule(after: limit) { self.giveUp(asked, after: limit) }
        do {
            try await inSession { session in
                asked.connection = session.queue.connection
                let probe = session.queue.append("berth_ping", "SELECT 1")
                _ = try await session.queue.result(of: probe)
            }
            if !isClosed { isAvailable = true }
        } catch {
            // Noted where it happened: by a failed connect, or by the timer.
        }
        timer.cancel()
    }

    /// Who is asked; nil while a connection is being opened.
    private final class Asked {
        var connection: PipelinedConnection?
    }

    /// Whether a connection can be had without waiting behind anyone.
    private var isFreeToAsk: Bool {
        if !idle.isEmpty { return true }
        return waiters.isEmpty && open + attempts.count < configuration.connectionsMax
    }

    private func judge(by connections: [PipelinedConnection], _ limit: Duration) {
        guard !connections.isEmpty else { return }
        let isSilent = connections.allSatisfy { connection in
            connection.silence.map { $0 >= limit } ?? false
        }
        if isSilent {
            isAvailable = false
        } else if connections.contains(where: { $0.heardAt.duration(to: reactor.now) < limit }) {
            isAvailable = true
        }
    }

    private func giveUp(_ asked: Asked, after limit: Duration) {
        guard !isClosed else { return }
        logger.warning("PostgreSQL does not answer", metadata: ["within": "\(limit)"])
        isAvailable = false
        asked.connection?.lose(
            PostgresError(.connectionLost, function: "ping", message: "no answer within \(limit)"))
    }
}
