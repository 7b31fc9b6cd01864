import BerthMessages
import DockerEngine
import Domain
import EventLoops
import Logging
import Messages
import RPC

/// The agent of one server: its jobs, its keeper and its stream, on one loop.
final class Agent {
    /// How often firewall, network and Docker are looked after.
    static let careInterval = Duration.seconds(30)

    /// How long after Docker's events ended they are asked for again.
    static let eventsPause = Duration.seconds(1)

    private var registration: Registration
    private let kept: any RegistrationSource
    private let client: DockerClient
    private let engine: any ContainerEngine
    private let workers: WorkerPool
    private let reactor: Reactor
    private let logger: Logger
    private let firewall: Firewall?
    private let spareCount: Int
    private let memory: any DesiredMemory

    private var session: AgentSession?
    /// When the stream was opened; nil before it was.
    private var openedAt: Instant?
    private var verifier: JobVerifier
    private var isStopping = false
    private var dockerVersion = ""
    private var dockerRoot = ""
    private var background: [LoopTask<Void>] = []
    /// What the loop of streams waits for: a stream's end, or a pause's.
    private var current: LoopTask<Void>?

    // Made in `begin`, for they refer to the agent.
    private var board: JobBoard?
    private var keeper: Keeper?
    private var tails: LogTails?
    private var spares: SpareVolumes?

    /// - Parameters:
    ///   - kept: Where another registration of the same server may come to lie meanwhile.
    ///   - memory: What the control plane said last, for when it is away.
    ///   - firewall: Nil to start containers without one.
    ///   - spareCount: How many volumes of each layout are initialised ahead.
    init(
        registration: Registration, kept: any RegistrationSource, memory: any DesiredMemory,
        client: DockerClient, workers: WorkerPool, firewall: Firewall?, spareCount: Int,
        reactor: Reactor, logger: Logger
    ) {
        self.registration = registration
        self.kept = kept
        self.memory = memory
        self.client = client
        self.workers = workers
        self.firewall = firewall
        self.reactor = reactor
        self.logger = logger
        self.spareCount = spareCount
        engine = DockerContainerEngine(client: client, workers: workers)
        let identity = registration.identity
        verifier = JobVerifier(
            serverID: identity.serverID, controlPlaneKey: identity.controlPlaneKey)
    }

    private var identity: AgentIdentity { registration.identity }

    /// Works until ``stop(on:)``.
    func run(on loop: isolated EventLoop) async {
        begin(on: loop)
        await care()
        background = [
            LoopTask(on: loop) { try await self.careRegularly() },
            LoopTask(on: loop) { try await self.watchEvents(on: loop) },
        ]
        var pauses = StreamPauses()
        while !isStopping {
            openedAt = nil
            do {
                let speaking = LoopTask(on: loop) { try await self.speak(on: loop) }
                current = speaking
                try await speaking.value()
                logger.info("the control plane ended the stream")
            } catch {
                if !isStopping {
                    logger.warning("the stream broke", metadata: ["cause": "\(error)"])
                    if (error as? RPCStatus)?.code == .unauthenticated { await renew() }
                }
            }
            session = nil
            tails?.close()
            guard !isStopping else { break }
            let longest = pauses.next(after: openedAt.map { $0.duration(to: Instant.now()) })
            let pause = longest * Double.random(in: 0.5...1)
            let pausing = LoopTask(on: loop) { try await self.reactor.sleep(for: pause) }
            current = pausing
            await pausing.settled()
        }
        await board?.close()
    }

    /// Ends the agent: jobs are dropped where they are, containers stay as they are.
    func stop() {
        isStopping = true
        keeper?.stop()
        spares?.stop()
        tails?.close()
        for task in background { task.cancel() }
        session?.close()
        current?.cancel()
    }

    // MARK: Parts

    private func begin(on loop: isolated EventLoop) {
        let prober = PostgresLoginProber(reactor: reactor, workers: workers)
        let verification = Verification(engine: engine, prober: prober, reactor: reactor)
        let networks = EnvironmentNetworks(engine: engine)
        let starts = GuardedStarts(engine: engine)
        let spares = SpareVolumes(
            count: spareCount,
            tools: SpareVolumes.Tools(
                engine: engine, verification: verification, networks: networks,
                serverID: identity.serverID, logger: logger,
                mayWork: { [weak self] in self?.mayInitializeAhead() ?? false }))
        self.spares = spares
        let tools = DeployRun.Tools(
            engine: engine, starts: starts, verification: verification, networks: networks,
            serverID: identity.serverID, spares: spares)
        let runner = JobRunner(
            tools: tools, surroundings: surroundings(on: loop), reactor: reactor, logger: logger)
        let board = JobBoard(work: runner)
        self.board = board
        let keeper = Keeper(
            Keeper.Tools(
                engine: engine, starts: starts, presence: client, board: board,
                serverID: identity.serverID,
                answers: Answers(prober: prober), memory: memory, reactor: reactor,
                logger: logger, mayStart: { [weak self] in self?.obstacle() == nil },
                report: { [weak self] in self?.session?.report(.inventory($0)) }))
        self.keeper = keeper
        keeper.begin(on: loop)
        tails = LogTails(engine: engine, sink: self)
    }

    private func surroundings(on loop: isolated EventLoop) -> JobRunner.Surroundings {
        JobRunner.Surroundings(
            report: { [weak self] in self?.session?.report(.jobProgress(AgentV1.JobProgress($0))) },
            refuse: { [weak self] reference, refusal in
                self?.session?.report(
                    .jobRefusal(
                        .with {
                            $0.reference = AgentV1.JobReference(reference)
                            $0.reason = refusal.rawValue
                        }))
            },
            desired: { [weak self] in self?.keeper?.desired($0) },
            changed: { [weak self] service, deployment in
                self?.keeper?.change(service, to: deployment, on: loop)
            },
            obstacle: { [weak self] in self?.obstacle() }, engine: client)
    }

    private func mayInitializeAhead() -> Bool { references.isEmpty && obstacle() == nil }

    private func obstacle() -> JobFailed? {
        guard let reason = firewall?.failure else { return nil }
        return JobFailed(
            .firewallUnavailable,
            "The firewall's rule, which keeps containers from this server, is not in force: \(reason)."
        )
    }

    // MARK: The stream

    private func speak(on loop: isolated EventLoop) async throws {
        let stream = try await registration.link.openStream()
        let session = AgentSession(
            stream: stream, identity: identity, work: self, reactor: reactor,
            wallClock: SystemWallClock(), logger: logger)
        guard !isStopping else { return session.close() }
        self.session = session
        try await session.run(on: loop)
    }

    /// Goes on with what the state folder holds now: whoever registers again puts an end to the
    /// credential of an agent that works.
    private func renew() async {
        do {
            let read = try await kept.read()
            switch Renewal(from: identity, to: read.identity) {
            case .none: return
            case .newCredential:
                registration = read
                verifier.pin(read.identity.controlPlaneKey)
                logger.notice("the server was registered again; going on with that registration")
            case .otherServer:
                logger.error(
                    """
                    the state folder was registered for another server; start the agent again for \
                    it to become that one's
                    """, metadata: ["server_id": "\(read.identity.serverID)"])
            }
        } catch {
            logger.error("the registration was not read again", metadata: ["cause": "\(error)"])
        }
    }

    // MARK: Care

    private func careRegularly() async throws {
        while true {
            try await reactor.sleep(for: Agent.careInterval)
            await care()
        }
    }

    /// The firewall's rule, the network for initialising, and who Docker is.
    private func care() async {
        await firewall?.ensure()
        do {
            let information = try await client.information()
            (dockerVersion, dockerRoot) = (information.version, information.dataRoot)
            if let firewall, try await client.version().isPodman { await firewall.ensureNames() }
            try await EnvironmentNetworks(engine: engine).ensure(ContainerPlan.initNetwork)
        } catch {
            dockerVersion = ""
            logger.warning("Docker does not answer", metadata: ["cause": "\(error)"])
        }
    }

    /// Looks whenever Docker says that something happened to a container of ours.
    private func watchEvents(on loop: isolated EventLoop) async throws {
        let filters = EventFilters(
            types: ["container"],
            // The last two are Podman's filters for the end and the removal.
            actions: ["start", "die", "oom", "destroy", "died", "remove"],
            labels: Label.all(.service, of: "\(identity.serverID)"))
        while true {
            do {
                let events = try await client.events(filters)
                defer { events.close() }
                // What happened while nobody listened.
                keeper?.sweepSoon(on: loop)
                while try await events.next(within: nil) != nil { keeper?.sweepSoon(on: loop) }
            } catch  where error.kind == .cancelled {
                throw error
            } catch {
                logger.debug("Docker's events ended", metadata: ["cause": "\(error)"])
            }
            try await reactor.sleep(for: Agent.eventsPause)
        }
    }
}

extension Agent: SessionWork {
    var references: [JobReference] { board?.references ?? [] }

    func hostFacts() async -> AgentV1.HostFacts {
        let (version, root) = (dockerVersion, dockerRoot)
        let facts = try? await workers.run {
            HostFacts.read(dockerVersion: version, dockerRoot: root)
        }
        return facts ?? AgentV1.HostFacts()
    }

    func begin(
        _ session: AgentSession, _ sessionID: AgentSessionID, on loop: isolated EventLoop
    ) {
        self.session = session
        openedAt = Instant.now()
        verifier.begin(sessionID)
        logger.notice(
            "connected", metadata: ["control_plane": "\(identity.controlPlane)"])
        keeper?.sweepSoon(on: loop)
    }

    func verify(
        _ envelope: AgentV1.SignedEnvelope, now: Timestamp
    ) throws(JobVerifier.Refused) -> ReceivedJob {
        try verifier.verify(envelope, now: now)
    }

    func take(_ job: ReceivedJob, on loop: isolated EventLoop) {
        switch job {
        case .desired(let services, let layouts):
            keeper?.replaceDesired(services, on: loop)
            spares?.replaceLayouts(layouts, on: loop)
        case .logs(let order): tails?.take(order, on: loop)
        case .work(let job):
            // One under a newer token than the board's undoes what other claims left.
            if job.kind == .cancel, board?.cancel(job.reference) == true { return }
            board?.add(job, on: loop)
        }
    }

    func drop(_ jobs: [JobReference]) { board?.drop(jobs) }
}

extension Agent: LogChunkSink {
    func send(_ chunk: AgentV1.LogChunk) async -> Bool { await session?.send(chunk) ?? false }
}
