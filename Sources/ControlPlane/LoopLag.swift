import EventLoops
import Metrics

/// How late the loop's timers come: what anything on the loop may have to wait.
final class LoopLag {
    private(set) var counts = HistogramCounts()
    private let reactor: Reactor
    private var timer: LoopTimer?

    /// How often it is measured.
    static let interval: Duration = .milliseconds(250)

    init(reactor: Reactor) { self.reactor = reactor }

    /// Begins to measure.
    func start() {
        let due = Instant.now().advanced(by: LoopLag.interval)
        timer = reactor.schedule(at: due) { [weak self] in
            guard let self else { return }
            counts.observe(nanoseconds: due.duration(to: .now()).nanosecondsClamped)
            start()
        }
    }

    /// Stops measuring.
    func stop() { timer?.cancel() }
}
