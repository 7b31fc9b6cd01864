import EventLoops
import HTTP2

/// Answers a request that is no call once all of it has arrived, as HTTP clients expect: what they
/// send is read and dropped. A request that does not end in time is answered as it is.
final class PlainAnswer: StreamObserver {
    private let answer: () -> Void
    private var timer: LoopTimer?

    /// Follows `stream`, whose request has begun.
    static func wait(
        for stream: HTTP2Stream, _ server: GRPCServer, _ answer: @escaping () -> Void
    ) {
        let observer = PlainAnswer(answer)
        stream.observer = observer
        observer.timer = server.reactor.schedule(after: server.limits.plainRequestTimeMax) {
            [weak observer] in observer?.send()
        }
    }

    private init(_ answer: @escaping () -> Void) { self.answer = answer }

    func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}
    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}

    func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {
        stream.discardReceived()
        if stream.isRemoteEnded { send() }
    }

    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
        timer?.cancel()
    }

    private func send() {
        timer?.cancel()
        answer()
    }
}
