import EventLoops
import Testing

/// Waits for what must come: half a minute at most, since a busy machine takes its time.
///
/// - Throws: When it does not come.
func eventually(_ reactor: Reactor, _ condition: () throws -> Bool) async throws {
    let end = Instant.now().advanced(by: .seconds(30))
    while try !condition() {
        try #require(Instant.now() < end, "what the test waits for did not come")
        try await reactor.sleep(for: .milliseconds(2))
    }
}
