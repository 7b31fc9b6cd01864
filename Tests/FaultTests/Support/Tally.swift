import EventLoops
import RPC

/// How many trials there were and how they ended, for the test's log.
struct Tally: Sendable {
    private(set) var runs = 0
    /// Trials in which the exchange ended before the fault's place.
    private(set) var missed = 0
    /// Callers that were told of an unknown outcome when everything had been written.
    private(set) var unknownWithAll = 0
    /// Those that were told so when nothing had.
    private(set) var unknownWithNone = 0
    private var answers: [String: Int] = [:]
    private let began = Instant.now()

    mutating func count(_ answer: Answer, _ rows: CreatedRows, isSprung: Bool) {
        runs += 1
        if answer.code == .unknown, rows == .all { unknownWithAll += 1 }
        if answer.code == .unknown, rows == .none { unknownWithNone += 1 }
        if !isSprung { missed += 1 }
        answers[answer.code?.name ?? "no status", default: 0] += 1
    }

    /// One line.
    func report(_ title: String) {
        let parts = answers.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        let seconds = began.duration(to: .now()) / .seconds(1)
        let tenths = Double(Int(seconds * 10)) / 10
        print(
            "faults: \(title): \(runs) runs in \(tenths) s; caller saw "
                + parts.joined(separator: ", ") + "; fault not reached in \(missed)")
    }
}
