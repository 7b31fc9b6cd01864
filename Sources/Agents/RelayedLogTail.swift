import Domain
import EventLoops

/// One reader's logs: puts the pieces together and keeps the lines until they are read.
final class RelayedLogTail: LogTail {
    private let signal: LoopSignal
    private let reactor: Reactor
    private let bytesMax: Int
    private let redactor: SecretRedactor
    /// Called once, when nothing more is wanted.
    private var ended: (() -> Void)?

    private var hasBegun = false
    private var nextSequence = 0
    private var pieces: [String] = []
    private var lines: [LogLine] = []
    private var bytesQueued = 0
    /// Set when nothing more comes; nil in it at the logs' end.
    private var outcome: Result<Void, any Error>?

    init(
        reactor: Reactor, bytesMax: Int, redactor: SecretRedactor, ended: @escaping () -> Void
    ) {
        self.reactor = reactor
        self.bytesMax = bytesMax
        self.redactor = redactor
        self.ended = ended
        signal = LoopSignal(reactor: reactor)
    }

    deinit { ended?() }

    /// Waits until the agent was asked.
    func begun(within time: Duration) async throws {
        let timer = reactor.schedule(after: time) { [weak self] in
            self?.fail(Problem(.unavailable, "the server's agent is away"))
        }
        defer { timer.cancel() }
        while !hasBegun {
            try outcome?.get()
            do {
                try await signal.wait()
            } catch {
                cancel()
                throw error
            }
        }
    }

    func next() async throws -> [LogLine]? {
        while true {
            if !lines.isEmpty {
                let taken = lines
                lines = []
                bytesQueued = 0
                return taken
            }
            if let outcome {
                try outcome.get()
                return nil
            }
            do {
                try await signal.wait()
            } catch {
                cancel()
                throw error
            }
        }
    }

    func cancel() {
        lines = []
        finish(.failure(CancellationError()))
    }

    /// Ends the reading with a failure.
    func fail(_ problem: Problem) { finish(.failure(problem)) }

    /// Takes the next piece.
    func received(_ notice: LogChunkNotice) {
        guard outcome == nil else { return }
        guard notice.sequence == nextSequence,
            pieces.count < LogChunkNotice.piecesPerChunkMax
        else {
            fail(.logsLost)
            return
        }
        nextSequence += 1
        pieces.append(notice.piece)
        guard !notice.hasMore else { return }
        let chunk = LogChunk(pieces: pieces)
        pieces = []
        switch chunk {
        case .begun: hasBegun = true
        case .lines(let new): keep(new)
        case .end(let error): finish(RelayedLogTail.outcome(error))
        case nil: fail(.logsLost)
        }
        signal.raise()
    }

    private func keep(_ new: [LogLine]) {
        // Redacted on the agent already; whoever writes a line may know a secret that it does not.
        let redacted = new.map { line in
            LogLine(
                time: line.time, text: redactor.redact(line.text),
                isStandardError: line.isStandardError)
        }
        bytesQueued += redacted.reduce(0) { $0 + $1.text.utf8.count + 1 }
        guard bytesQueued <= bytesMax else {
            lines = []
            fail(
                Problem(
                    .resourceExhausted,
                    "the reader is too slow: \(bytesMax) bytes of lines wait for it"))
            return
        }
        lines += redacted
    }

    private static func outcome(_ error: String) -> Result<Void, any Error> {
        switch error {
        case "": .success(())
        case AgentLogChunk.noContainer:
            .failure(Problem(.failedPrecondition, "the service has no container"))
        case LogChunk.tooManyTails:
            .failure(
                Problem(
                    .resourceExhausted,
                    "too many log requests of the service's server run already "
                        + "(log_tails_per_server_max); end one first"))
        case LogChunk.tooManyNewTails:
            .failure(
                Problem(
                    .resourceExhausted,
                    "too many log requests of the service's server began lately "
                        + "(log_tails_per_minute_max); try again in a minute"))
        case LogChunk.agentGone: .failure(Problem(.unavailable, "the server's agent went away"))
        default: .failure(Problem(.unavailable, "the logs ended: \(error)"))
        }
    }

    private func finish(_ outcome: Result<Void, any Error>) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        signal.raise()
        let ended = ended
        self.ended = nil
        ended?()
    }
}
