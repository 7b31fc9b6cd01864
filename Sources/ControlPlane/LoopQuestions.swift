import EventLoops
import Synchronization

/// Asks loops of the process for something and waits for the answer; a loop that has left gives none.
///
/// A loop that stops drops what it was asked to do (``EventLoop/execute(_:)``), so who asks must not
/// wait for the loop alone.
final class LoopQuestions<Answer: Sendable>: Sendable {
    private struct Waiting {
        let loop: EventLoop
        let continuation: CheckedContinuation<Answer?, Never>
    }

    private struct State {
        var waiting: [UInt64: Waiting] = [:]
        var next: UInt64 = 0
        var left: Set<ObjectIdentifier> = []
    }

    // A lock because answers come on the loops' own threads.
    private let state = Mutex(State())

    /// What the loop answers, on its own thread; nil when it leaves or has left.
    func ask(
        _ loop: EventLoop, _ answer: @escaping @Sendable () -> Answer
    ) async -> Answer? {
        await withCheckedContinuation { continuation in
            let number: UInt64? = state.withLock { state in
                guard !state.left.contains(ObjectIdentifier(loop)) else { return nil }
                defer { state.next += 1 }
                state.waiting[state.next] = Waiting(loop: loop, continuation: continuation)
                return state.next
            }
            guard let number else { return continuation.resume(returning: nil) }
            loop.execute { _, _ in
                // Whoever takes it out resumes it: the loop may have left in between.
                let waiting = self.state.withLock { $0.waiting.removeValue(forKey: number) }
                waiting?.continuation.resume(returning: answer())
            }
        }
    }

    /// Answers what a loop was asked with nothing, now and from now on; call it before the loop stops.
    func leave(_ loop: EventLoop) {
        let dropped = state.withLock { state in
            state.left.insert(ObjectIdentifier(loop))
            let numbers = state.waiting.filter { $0.value.loop === loop }.map(\.key)
            return numbers.compactMap { state.waiting.removeValue(forKey: $0) }
        }
        for waiting in dropped { waiting.continuation.resume(returning: nil) }
    }
}
