import EventLoops

/// Opens one connection: resolves host names on a worker, then drives `PQconnectPoll`.
///
/// Retained by its timer and its watch until it calls `finished`, once and with itself, or is
/// abandoned; then it holds nothing of its owner's.
final class ConnectionAttempt: ReadinessHandler {
    private let reactor: Reactor
    private var settings: ConnectionSettings
    private var finished: ((ConnectionAttempt, Result<ConnectionHandle, PostgresError>) -> Void)?
    private var handle: ConnectionHandle?
    private var watch: Watch?
    private var timer: LoopTimer?
    private var isFinished = false

    init(
        reactor: Reactor, settings: ConnectionSettings,
        finished: @escaping (ConnectionAttempt, Result<ConnectionHandle, PostgresError>) -> Void
    ) {
        self.reactor = reactor
        self.settings = settings
        self.finished = finished
    }

    /// Begins; `finished` is called later, never from within.
    func start(workers: WorkerPool, durationMax: Duration) {
        timer = reactor.schedule(after: durationMax) {
            self.finish(
                .failure(
                    PostgresError(
                        .connectionFailed, function: "connect",
                        message: "no connection within \(durationMax)")
                )
            )
        }
        guard let hosts = settings.hostsToResolve else {
            reactor.schedule(after: .zero) { self.connect() }
            return
        }
        callWorker(workers, reactor, for: self) { () -> Result<[ResolvedHost], PostgresError> in
            do throws(PostgresError) {
                return .success(try ResolvedHost.resolve(hosts))
            } catch {
                return .failure(error)
            }
        } done: { attempt, resolved in
            attempt.resolved(resolved)
        }
    }

    /// Gives up without a word.
    func abandon() {
        guard !isFinished else { return }
        cleanUp()
    }

    private func resolved(_ hosts: Result<[ResolvedHost], PostgresError>?) {
        switch hosts {
        case .success(let hosts)?:
            settings.replaceHosts(hosts)
            connect()
        case .failure(let error)?:
            finish(.failure(error))
        case nil:
            finish(
                .failure(
                    PostgresError(
                        .connectionFailed, function: "getaddrinfo", message: "workers are full")
                )
            )
        }
    }

    private func connect() {
        guard !isFinished else { return }
        do throws(PostgresError) {
            let handle = try ConnectionHandle(settings)
            self.handle = handle
            // libpq manual: behave at first as if PQconnectPoll had said "writing".
            watchSocket(of: handle, for: .writable)
        } catch {
            finish(.failure(error))
        }
    }

    func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
        guard let handle else { return }
        // PQconnectPoll may close the socket and open another under the same number, so the watch
        // ends before and begins anew after.
        unwatch()
        switch handle.connectPoll() {
        case .waitsToRead: watchSocket(of: handle, for: .readable)
        case .waitsToWrite: watchSocket(of: handle, for: .writable)
        case .done: prepare(handle)
        case .failed: finish(.failure(handle.error(.connectionFailed, "PQconnectPoll")))
        }
    }

    private func prepare(_ handle: ConnectionHandle) {
        guard handle.setNonBlocking(), handle.enterPipelineMode() else {
            finish(.failure(handle.error(.connectionFailed, "PQenterPipelineMode")))
            return
        }
        finish(.success(handle))
    }

    private func watchSocket(of handle: ConnectionHandle, for interest: Readiness) {
        do throws(SystemError) {
            watch = try reactor.watch(handle.socket, for: interest, handler: self)
        } catch {
            finish(
                .failure(
                    PostgresError(
                        .connectionFailed, function: error.function, message: "\(error)")
                )
            )
        }
    }

    private func unwatch() {
        if let watch { reactor.stopWatching(watch) }
        watch = nil
    }

    private func finish(_ result: Result<ConnectionHandle, PostgresError>) {
        guard !isFinished else { return }
        let finished = finished
        cleanUp()
        finished?(self, result)
    }

    private func cleanUp() {
        isFinished = true
        unwatch()
        timer?.cancel()
        timer = nil
        handle = nil
        finished = nil
    }
}
