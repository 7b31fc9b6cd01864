import EventLoops
import HTTP2
import RPC

/// A call on its way; its end can be awaited once it has begun.
final class OutgoingCall: StreamObserver {
    var stream: HTTP2Stream?
    /// How the call ended; nil while it runs.
    private(set) var answer: Answer?
    private let reactor: Reactor
    private let began = Instant.now()
    private var waiter: CheckedContinuation<Answer?, Never>?

    /// A call took longer than any limit of berthd's allows.
    struct NeverEnded: Error {}

    init(reactor: Reactor) { self.reactor = reactor }

    /// Gives the call up, as its caller's deadline or Ctrl-C would.
    func cancel() { stream?.reset(.cancel) }

    /// Waits for the call's end.
    /// - Throws: ``NeverEnded`` after `durationMax`.
    func end(within durationMax: Duration = .seconds(60)) async throws -> Answer {
        if let answer { return answer }
        let timer = reactor.schedule(after: durationMax) { [self] in wake(nil) }
        let answer = await withCheckedContinuation { waiter = $0 }
        timer.cancel()
        guard let answer else { throw NeverEnded() }
        return answer
    }

    private func wake(_ answer: Answer?) {
        let waiter = waiter
        self.waiter = nil
        waiter?.resume(returning: answer)
    }

    func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}
    func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}
    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}

    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
        let fields = stream.trailers ?? stream.headers
        let status = fields.first(.grpcStatus).map { String(decoding: $0, as: UTF8.self) }
        let answer = Answer(
            code: status.flatMap { UInt8($0) }.flatMap { StatusCode(rawValue: $0) },
            message: fields.first(.grpcMessage).map { String(decoding: $0, as: UTF8.self) } ?? "",
            body: Array(stream.received.prefix(stream.received.count)),
            took: began.duration(to: .now()))
        self.answer = answer
        self.stream = nil
        wake(answer)
    }
}
