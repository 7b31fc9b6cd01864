import EventLoops
import Synchronization

/// The loops of the process and what each serves.
final class InteropLoops: Sendable {
    private struct Member {
        let service: LoopBound<InteropService>
        let loop: EventLoop
    }

    private struct State {
        var members: [Member] = []
        /// The loops that have not ended, those included that have not begun.
        var running: Int
    }

    private let first: EventLoop
    private let count: Int
    // A lock because loops join and leave on their own threads.
    private let state: Mutex<State>

    init(first: EventLoop, count: Int) {
        self.first = first
        self.count = count
        state = Mutex(State(running: count))
    }

    /// Takes a loop that has begun, and keeps its service.
    /// - Returns: Whether it was the last one.
    func add(_ service: LoopBound<InteropService>, _ loop: EventLoop) -> Bool {
        state.withLock { state in
            state.members.append(Member(service: service, loop: loop))
            return state.members.count == count
        }
    }

    /// Drains every loop at once, stopping each when it is quiet and the first one last.
    func drain(grace: Duration) {
        for member in state.withLock({ $0.members }) {
            member.loop.execute { loop, _ in
                Task.immediate(executorPreference: loop.executor) {
                    _ = loop
                    await member.service.use { $0 }.drain(grace: grace)
                    if member.loop === self.first { self.ended() } else { member.loop.stop() }
                }
            }
        }
    }

    /// Stops the first loop once the others' threads are through.
    func ended() {
        let isLast = state.withLock { state in
            state.running -= 1
            return state.running == 0
        }
        if isLast { first.stop() }
    }
}
