import Testing

@testable import EventLoops

@Suite struct TimerQueueTests {
    private func at(_ nanoseconds: Int64) -> Instant { Instant(nanoseconds: nanoseconds) }

    @Test("timers fire in the order of their times, equal times in the order of scheduling")
    func order() {
        let queue = TimerQueue()
        var fired: [Int] = []
        for (index, time) in [30, 10, 20, 10, 30, 5].enumerated() {
            _ = queue.schedule(at: at(Int64(time))) { fired.append(index) }
        }
        queue.fire(upTo: at(20))
        #expect(fired == [5, 1, 3, 2])
        queue.fire(upTo: at(29))
        #expect(fired.count == 4)
        queue.fire(upTo: at(30))
        #expect(fired == [5, 1, 3, 2, 0, 4])
        #expect(queue.nextInstant() == nil)
    }

    @Test("a cancelled timer neither fires nor counts, and its time is forgotten")
    func cancelled() {
        let queue = TimerQueue()
        var fired = 0
        let first = queue.schedule(at: at(1)) { fired += 1 }
        let second = queue.schedule(at: at(2)) { fired += 10 }
        first.cancel()
        first.cancel()
        #expect(!first.isPending)
        #expect(queue.pendingCount == 1)
        #expect(queue.nextInstant() == at(2))
        queue.fire(upTo: at(2))
        #expect(fired == 10)
        #expect(!second.isPending)
        second.cancel()
        #expect(queue.pendingCount == 0)
    }

    @Test("thousands of cancelled timers leave the order of the others as it was")
    func rebuilds() {
        let queue = TimerQueue()
        var generator = SystemRandomNumberGenerator()
        var fired: [Int64] = []
        var kept: [Int64] = []
        var timers: [LoopTimer] = []
        for _ in 0..<5000 {
            let time = Int64.random(in: 0..<1_000_000, using: &generator)
            let isKept = Int.random(in: 0..<10, using: &generator) == 0
            let timer = queue.schedule(at: at(time)) { fired.append(time) }
            if isKept { kept.append(time) } else { timers.append(timer) }
        }
        for timer in timers.shuffled() { timer.cancel() }
        #expect(queue.pendingCount == kept.count)
        queue.fire(upTo: at(1_000_000))
        #expect(fired == kept.sorted())
    }

    @Test("a timer that schedules another for the past sees it fire in the same pass")
    func reschedules() {
        let queue = TimerQueue()
        var fired: [String] = []
        _ = queue.schedule(at: at(5)) {
            fired.append("first")
            _ = queue.schedule(at: at(1)) { fired.append("second") }
        }
        queue.fire(upTo: at(5))
        #expect(fired == ["first", "second"])
    }

    @Test("a timer that cancels the next one prevents it")
    func cancelsNext() {
        let queue = TimerQueue()
        var second: LoopTimer?
        var fired = false
        _ = queue.schedule(at: at(1)) { second?.cancel() }
        second = queue.schedule(at: at(1)) { fired = true }
        queue.fire(upTo: at(10))
        #expect(!fired)
    }
}
