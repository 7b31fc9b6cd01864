/// A timer that was scheduled on a ``Reactor``.
public final class LoopTimer {
    fileprivate(set) var body: (() -> Void)?
    private unowned let queue: TimerQueue

    fileprivate init(queue: TimerQueue, body: @escaping () -> Void) {
        self.queue = queue
        self.body = body
    }

    /// Whether the timer will still fire.
    public var isPending: Bool { body != nil }

    /// Drops the timer and what its body captured; without effect once it has fired.
    public func cancel() {
        guard body != nil else { return }
        body = nil
        queue.noteCancelled()
    }
}

/// A binary heap of timers, ordered by time and then by the order of scheduling.
final class TimerQueue {
    private struct Entry {
        let at: Instant
        let order: UInt64
        let timer: LoopTimer

        func isBefore(_ other: Entry) -> Bool {
            at == other.at ? order < other.order : at < other.at
        }
    }

    private var heap: [Entry] = []
    private var nextOrder: UInt64 = 0
    private var cancelled = 0

    /// The number of timers that will still fire.
    var pendingCount: Int { heap.count - cancelled }

    func schedule(at instant: Instant, _ body: @escaping () -> Void) -> LoopTimer {
        let timer = LoopTimer(queue: self, body: body)
        heap.append(Entry(at: instant, order: nextOrder, timer: timer))
        nextOrder += 1
        siftUp(heap.count - 1)
        return timer
    }

    /// The time of the first timer that will still fire.
    func nextInstant() -> Instant? {
        while let first = heap.first {
            if first.timer.isPending { return first.at }
            removeFirst()
            cancelled -= 1
        }
        return nil
    }

    /// Fires every timer due at `now`, in order.
    func fire(upTo now: Instant) {
        while let next = nextInstant(), next <= now {
            let timer = heap[0].timer
            removeFirst()
            let body = timer.body
            timer.body = nil
            body?()
        }
    }

    /// Cancelled timers stay in the heap until they surface; once they are the larger half, the
    /// heap is rebuilt, so that a deadline a call never hits costs no memory for its whole length.
    fileprivate func noteCancelled() {
        cancelled += 1
        guard cancelled > 64, cancelled * 2 > heap.count else { return }
        heap.removeAll { !$0.timer.isPending }
        heap.sort { $0.isBefore($1) }
        cancelled = 0
    }

    private func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        siftDown(0)
    }

    private func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].isBefore(heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private func siftDown(_ start: Int) {
        var index = start
        while true {
            let left = 2 * index + 1
            guard left < heap.count else { return }
            let right = left + 1
            let smaller = right < heap.count && heap[right].isBefore(heap[left]) ? right : left
            guard heap[smaller].isBefore(heap[index]) else { return }
            heap.swapAt(index, smaller)
            index = smaller
        }
    }
}
