public import EventLoops
import Messages
public import StandardMessages

/// `grpc.health.v1.Health`: says which services of this server are ready (grpc.io, "Health
/// Checking"). One of each loop.
public final class HealthService {
    /// Whether a service is ready for calls.
    public typealias ServingStatus = GRPCHealthV1.HealthCheckResponse.ServingStatus

    private let reactor: Reactor
    private let streams: AnonymousStreams
    private var statuses: [String: ServingStatus] = ["": .serving]
    private var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    private var nextWaiter: UInt64 = 0
    private var isStopped = false

    /// Makes a service that knows the server as a whole (`""`), as serving, and nothing else.
    ///
    /// - Parameter streams: Bounds the calls that watch, for anyone may.
    public init(reactor: Reactor, streams: AnonymousStreams = AnonymousStreams()) {
        self.reactor = reactor
        self.streams = streams
    }

    /// Answers the service's methods from `router`.
    public func register(on router: Router) {
        router.register(GRPCHealthV1.HealthMethods.check) { request, _ in
            try self.check(request)
        }
        router.register(GRPCHealthV1.HealthMethods.list) { _, _ in self.list() }
        router.register(GRPCHealthV1.HealthMethods.watch) { request, responses, context in
            try self.streams.enter(context)
            defer { self.streams.leave(context) }
            try await self.watch(request, responses)
        }
    }

    /// Says how `service` is, by its full name; `""` is the server as a whole. Watchers are told.
    public func set(_ status: ServingStatus, for service: String = "") {
        guard !isStopped, statuses[service] != status else { return }
        statuses[service] = status
        wakeAll()
    }

    /// Forgets `service`; its watchers are told SERVICE_UNKNOWN.
    public func remove(_ service: String) {
        guard statuses.removeValue(forKey: service) != nil else { return }
        wakeAll()
    }

    /// Says that nothing serves any more, for good, and then ends the calls that watch, which would
    /// otherwise keep a draining server from stopping.
    public func stop() {
        isStopped = true
        for service in statuses.keys { statuses[service] = .notServing }
        wakeAll()
    }

    private func check(
        _ request: GRPCHealthV1.HealthCheckRequest
    ) throws -> GRPCHealthV1.HealthCheckResponse {
        guard let status = statuses[request.service] else {
            throw RPCStatus(.notFound, "unknown service")
        }
        return .with { $0.status = status }
    }

    private func list() -> GRPCHealthV1.HealthListResponse {
        .with {
            $0.statuses = statuses.mapValues { status in .with { $0.status = status } }
        }
    }

    private func watch(
        _ request: GRPCHealthV1.HealthCheckRequest,
        _ responses: ResponseWriter<GRPCHealthV1.HealthCheckResponse>
    ) async throws {
        var told: ServingStatus?
        while true {
            let status = statuses[request.service] ?? .serviceUnknown
            if status != told {
                told = status
                try await responses.write(.with { $0.status = status })
                // It may have changed while the write waited.
                continue
            }
            if isStopped { throw RPCStatus(.unavailable, "the server is stopping") }
            try await change()
        }
    }

    /// Waits until any status changes.
    private func change(isolation: isolated (any Actor)? = #isolation) async throws {
        let id = nextWaiter
        nextWaiter += 1
        let bound = LoopBound(self, loop: reactor.loop)
        await withTaskCancellationHandler {
            // Keeps the closure on the loop; else each await in it would leave and come back.
            _ = isolation
            if Task.isCancelled { return }
            await withCheckedContinuation { waiters[id] = $0 }
        } onCancel: {
            bound.use { $0.wake(id) }
        }
        try Task.checkCancellation()
    }

    private func wake(_ id: UInt64) { waiters.removeValue(forKey: id)?.resume() }

    private func wakeAll() {
        let waiting = waiters
        waiters = [:]
        for waiter in waiting.values { waiter.resume() }
    }
}
