/// Lets one at a time do something about the same thing, in turn.
final class KeyedGate<Key: Hashable> {
    private var held: Set<Key> = []
    private var waiters: [Key: [CheckedContinuation<Void, Never>]] = [:]

    /// Runs `body` while nobody else's runs for `key`.
    func alone<Result>(_ key: Key, _ body: () async throws -> Result) async rethrows -> Result {
        while held.contains(key) { await waitForChange(of: key) }
        held.insert(key)
        defer {
            held.remove(key)
            for waiter in waiters.removeValue(forKey: key) ?? [] { waiter.resume() }
        }
        return try await body()
    }

    private func waitForChange(of key: Key) async {
        await withCheckedContinuation { continuation in
            // Looked at again, for the way here may have been suspended.
            if held.contains(key) {
                waiters[key, default: []].append(continuation)
            } else {
                continuation.resume()
            }
        }
    }
}
