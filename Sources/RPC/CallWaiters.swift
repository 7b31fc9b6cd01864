/// The suspended tasks of one handler: one as a rule, more when it reads and writes at once.
struct CallWaiters {
    /// Apart, so that the usual one costs no array.
    private var first: CheckedContinuation<Void, Never>?
    private var others: [CheckedContinuation<Void, Never>] = []

    mutating func add(_ waiter: CheckedContinuation<Void, Never>) {
        if first == nil { first = waiter } else { others.append(waiter) }
    }

    /// Resumes all, which look again at what they wait for.
    mutating func wakeAll() {
        guard let first else { return }
        let others = others
        self = CallWaiters()
        first.resume()
        for other in others { other.resume() }
    }
}
