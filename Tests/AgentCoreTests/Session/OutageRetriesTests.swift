import DockerEngine
import EventLoops
import Logging
import TestSupport
import Testing

@testable import AgentCore

/// When work begins anew because the engine went away.
@Suite struct OutageRetriesTests {
    /// An engine that is away for so many questions.
    private final class FakePresence: EnginePresence {
        var outageCount = 0
        var silences = 0

        func answers() async -> Bool {
            guard silences > 0 else { return true }
            silences -= 1
            outageCount += 1
            return false
        }
    }

    private static let exited = JobFailed(.containerExited, "The container ended.")

    /// Runs work that fails by each error in turn, and then succeeds.
    /// - Returns: How often it began, and what it threw in the end.
    private static func attempts(
        _ errors: [any Error & Sendable], silences: Int = 0, outagesDuringWork: Int = 0
    ) async throws -> (count: Int, thrown: String?) {
        try await onLoop { _, reactor in
            let presence = FakePresence()
            presence.silences = silences
            let retries = OutageRetries(
                engine: presence, reactor: reactor,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                pause: .milliseconds(1))
            var (count, left) = (0, errors)
            do {
                try await retries.attempt {
                    count += 1
                    guard !left.isEmpty else { return }
                    presence.outageCount += outagesDuringWork
                    throw left.removeFirst()
                }
                return (count, nil)
            } catch {
                return (count, "\(error)")
            }
        }
    }

    @Test("work that fails while the engine stays fails at once")
    func itsOwnFailure() async throws {
        let result = try await Self.attempts([Self.exited])
        #expect(result.count == 1)
        #expect(result.thrown?.contains("ended") == true)
    }

    @Test("a container that ended because its engine is about to end is tried again")
    func anEngineThatEnds() async throws {
        let result = try await Self.attempts([Self.exited], silences: 3)
        #expect(result.count == 2)
        #expect(result.thrown == nil)
    }

    @Test("so is one whose engine is back already")
    func anEngineThatIsBack() async throws {
        let result = try await Self.attempts([Self.exited], outagesDuringWork: 1)
        #expect(result.count == 2)
        #expect(result.thrown == nil)
    }

    @Test("calls that found nobody or broke are made again", arguments: [true, false])
    func brokenCalls(isUnreachable: Bool) async throws {
        let error = DockerError(
            isUnreachable ? .unreachable : .interrupted, operation: "look", message: "nobody")
        let result = try await Self.attempts([error, error, error])
        #expect(result.count == 4)
        #expect(result.thrown == nil)
    }

    @Test("an engine that goes again and again is given up")
    func oftenEnough() async throws {
        let error = DockerError(.interrupted, operation: "look", message: "gone")
        let result = try await Self.attempts([error, error, error, error])
        #expect(result.count == OutageRetries.attemptsMax)
        #expect(result.thrown?.contains("gone") == true)
    }

    @Test("who is cancelled or stale is not tried again, wherever the engine is")
    func notTried() async throws {
        let cancelled = DockerError(.cancelled, operation: "look", message: "cancelled")
        for error in [JobStale(), CancellationError(), cancelled] as [any Error & Sendable] {
            let result = try await Self.attempts([error], silences: 9, outagesDuringWork: 1)
            #expect(result.count == 1, "\(error)")
            #expect(result.thrown != nil)
        }
    }
}
