import EventLoops
import PostgresClient

/// What one start of a container has answered so far, and when to ask again. Pure.
struct AnswerRecord {
    /// How often a database is asked that answers.
    static let interval = Duration.seconds(30)
    /// An answer that is younger is as good as another.
    static let freshMax = Duration.seconds(10)
    /// The pause after a question that got no answer; doubled each time up to ``interval``.
    static let pauseMin = Duration.seconds(1)
    /// A database that has answered is called silent after so many failures in turn: one may be lost.
    static let failuresMax = 2

    /// The start that this is about, as the engine tells it.
    let startedAt: String?
    private var isProven = false
    private var failures = 0
    private var reason = "it was not asked yet"
    /// When to ask next at the latest.
    private(set) var due: Instant
    /// From when on to ask when there is a look anyway, so that many are asked in one.
    private var mayAskFrom: Instant

    /// Begins with a start that has answered nothing.
    init(startedAt: String?, now: Instant) {
        self.startedAt = startedAt
        due = now
        mayAskFrom = now
    }

    /// Whether to ask now.
    func isDue(_ now: Instant) -> Bool { mayAskFrom <= now }

    /// Notes what was answered.
    mutating func note(_ answer: ServerAnswer, now: Instant) {
        switch answer {
        case .serves:
            isProven = true
            failures = 0
            due = now.advanced(by: AnswerRecord.interval)
            mayAskFrom = now.advanced(by: AnswerRecord.freshMax)
            return
        case .starting: reason = "PostgreSQL takes no connections yet"
        case .silent(let words): reason = "PostgreSQL does not answer: \(words)"
        }
        failures += 1
        let doubled = AnswerRecord.pauseMin * (1 << min(failures - 1, 10))
        due = now.advanced(by: min(doubled, AnswerRecord.interval))
        mayAskFrom = due
    }

    /// Why the container does not count as running, though the engine says that it runs; nil when it
    /// does.
    var doubt: String? { isProven && failures < AnswerRecord.failuresMax ? nil : reason }
}
