import Cryptography
import Domain
import EventLoops
import Logging
import PostgresClient

/// The streams of agents on one loop.
///
/// Which stream of a server is the newest is PostgreSQL's knowledge: an older one anywhere learns of it
/// by a notification or at its next heartbeat, and ends.
public final class AgentGateway {
    /// What streams need.
    struct Needs {
        let jobs: any AgentJobs
        let layouts: [DataLayout]
        let changes: any ChangeFeed
        let store: any AgentStore
        let sessions: any SessionRunner
        let transactions: any TransactionRunner
        let refusals: RefusalTrail
        let clock: any WallClock
        let limits: AgentLimits
        let reactor: Reactor
        let logger: Logger
    }

    let needs: Needs
    private var streams: [ServerID: AgentStream] = [:]
    /// Those that have not said hello yet.
    private var greeting: [ObjectIdentifier: AgentStream] = [:]
    private var orphans = OrphanMemory()
    /// Hellos that are being looked into.
    private var hellos = 0
    /// Ends that are being recorded.
    private var ending = 0
    private var isStopping = false
    private let quiet: LoopSignal

    init(_ needs: Needs) {
        self.needs = needs
        quiet = LoopSignal(reactor: needs.reactor)
    }

    /// How many servers have their stream here.
    public var streamCount: Int { streams.count }

    /// Serves one agent until its stream ends.
    func serve(_ link: any AgentLink, _ credential: Credential) async throws {
        guard !isStopping else { throw Problem.stopping }
        let stream = AgentStream(link, needs: needs, gateway: self)
        greeting[ObjectIdentifier(stream)] = stream
        try await stream.run(credential)
    }

    /// Makes a stream its server's newest.
    func beginSession(
        _ credential: Credential, _ hello: AgentHello, _ stream: AgentStream
    ) async throws -> AgentIdentity {
        guard hellos < needs.limits.hellosMax else {
            throw Problem(
                .resourceExhausted,
                "\(needs.limits.hellosMax) agents say hello already (hellos_max); try again later")
        }
        hellos += 1
        defer { hellos -= 1 }
        let sessionID = AgentSessionID(bytes: try SecureRandom.bytes(16))
        let found = try await needs.transactions.inTransaction { tx in
            let identity = try await needs.store.beginSessionWithinTx(
                tx, credential: credential, sessionID, version: hello.version, host: hello.host)
            if let identity { notify(.began, identity, tx) }
            return identity
        }
        guard let identity = found else {
            throw Problem(.unauthenticated, "the agent's credential is unknown or was replaced")
        }
        greeting[ObjectIdentifier(stream)] = nil
        guard !stream.hasEnded else {
            recordEndSoon(stream, identity)
            throw CancellationError()
        }
        stream.accept(identity)
        streams.updateValue(stream, forKey: identity.serverID)?.supersede()
        return identity
    }

    /// Forgets a stream that ended, and records its end.
    func leave(_ stream: AgentStream) {
        greeting[ObjectIdentifier(stream)] = nil
        if let identity = stream.identity {
            if streams[identity.serverID] === stream { streams[identity.serverID] = nil }
            recordEndSoon(stream, identity)
        }
        quiet.raise()
    }

    /// Keeps what an inventory calls an orphan and nothing is known of, and warns of each once while
    /// it is there.
    func noteOrphans(
        _ named: [ServerOrphan], of identity: AgentIdentity, callID: String
    ) async throws {
        guard orphans.isNews(named, of: identity) else { return }
        let strangers = Set(
            try await needs.jobs.strangers(among: named.map(\.name), server: identity.serverID))
        let unknown = named.filter { strangers.contains($0.name) }
        let shown = Array(unknown.prefix(needs.limits.orphansShownMax))
        try await needs.transactions.inTransaction { tx in
            try await needs.store.replaceOrphansWithinTx(
                tx, shown, count: unknown.count, of: identity)
        }
        for orphan in orphans.new(shown, among: named, of: identity) {
            needs.logger.warning(
                "an orphan is on a server: something with Berth's labels that nothing is known of",
                metadata: [
                    "server_id": "\(identity.serverID)",
                    "server_name": "\(String(reflecting: identity.serverName))",
                    "orphan": "\(String(reflecting: orphan.name))",
                    "kind": "\(orphan.kind.rawValue)", "request_id": "\(callID)",
                ])
        }
    }

    private func recordEndSoon(_ stream: AgentStream, _ identity: AgentIdentity) {
        ending += 1
        // In a task of its own: the call's is cancelled when its caller is gone.
        needs.reactor.begin {
            await stream.tails.endAll()
            await self.recordEnd(identity, stream.endReason, callID: stream.link.callID)
            self.ending -= 1
            self.quiet.raise()
        }
    }

    private func recordEnd(
        _ identity: AgentIdentity, _ reason: String, callID: String
    ) async {
        do {
            try await needs.transactions.inTransaction { tx in
                try await needs.store.endSessionWithinTx(tx, identity, reason: reason)
                notify(.ended, identity, tx)
            }
        } catch {
            // Its presence ends by itself when nothing is heard of it.
            needs.logger.warning(
                "the end of an agent's stream was not recorded",
                metadata: [
                    "server_id": "\(identity.serverID)", "error": "\(error)",
                    "request_id": "\(callID)",
                ])
        }
    }

    private func notify(
        _ change: AgentSessionNotice.Change, _ identity: AgentIdentity, _ tx: Transaction
    ) {
        let notice = AgentSessionNotice(
            change: change, serverID: identity.serverID, sessionID: identity.sessionID)
        tx.notifyAfterCommit(AgentSessionNotice.channel, notice.payload)
    }

    /// Ends this loop's stream of the server if another is newer by now.
    public func received(_ notice: AgentSessionNotice) {
        guard notice.change == .began, let stream = streams[notice.serverID],
            let identity = stream.identity, identity.sessionID != notice.sessionID
        else { return }
        needs.reactor.begin {
            // The notice may be older than our stream: what PostgreSQL says counts.
            let isNewest = try? await self.needs.sessions.inSession { session in
                try await self.needs.store.isNewest(identity, in: session)
            }
            if isNewest == false { stream.supersede() }
        }
    }

    /// Passes a log request on to the server's agent, when its stream is here.
    public func received(_ notice: LogRequestNotice) {
        guard let stream = streams[notice.serverID] else { return }
        switch notice.wish {
        case .begin(let tailLines, let follow):
            let request = LogRequest(
                tailID: notice.tailID, serviceID: notice.serviceID, tailLines: tailLines,
                follow: follow)
            guard stream.tails.note(request) else { return }
            needs.reactor.begin { await stream.beginTail(request) }
        case .stop: stream.stopTail(notice.tailID)
        }
    }

    /// Ends every stream and takes no more; returns when their ends are recorded, or after
    /// ``AgentLimits/stopTimeMax``.
    public func stop() async {
        isStopping = true
        for stream in Array(streams.values) + Array(greeting.values) {
            stream.end(.failure(Problem.stopping))
        }
        var isLate = false
        let timer = needs.reactor.schedule(after: needs.limits.stopTimeMax) { [quiet] in
            isLate = true
            quiet.raise()
        }
        defer { timer.cancel() }
        while !isLate, ending > 0 || !streams.isEmpty || !greeting.isEmpty {
            do { try await quiet.wait() } catch { return }
        }
    }
}

extension Problem {
    static var stopping: Problem { Problem(.unavailable, "the server is stopping") }
}
