import Deployments
import Domain

/// A change feed whose listeners wake as often as a test has given steps, then end.
final class SteppedFeed: ChangeFeed {
    /// What happens before each wake-up.
    var steps: [() async throws -> Void] = []
    private(set) var topics: [ChangeTopic] = []
    private(set) var cancelled = 0

    final class Subscription: ChangeSubscription {
        private let feed: SteppedFeed

        init(_ feed: SteppedFeed) { self.feed = feed }

        func next() async throws {
            guard !feed.steps.isEmpty else { throw CancellationError() }
            try await feed.steps.removeFirst()()
        }

        func cancel() { feed.cancelled += 1 }
    }

    func subscribe(to topic: ChangeTopic) -> any ChangeSubscription {
        topics.append(topic)
        return Subscription(self)
    }
}

/// Logs that a test wrote.
final class FakeLogs: LogTails {
    /// What a reader gets, piece by piece.
    var pieces: [[LogLine]] = []
    private(set) var asked: [(serviceID: ServiceID, secrets: [SecretText], lines: Int32)] = []
    private(set) var cancelled = 0

    final class Tail: LogTail {
        private let logs: FakeLogs

        init(_ logs: FakeLogs) { self.logs = logs }

        func next() async throws -> [LogLine]? {
            logs.pieces.isEmpty ? nil : logs.pieces.removeFirst()
        }

        func cancel() { logs.cancelled += 1 }
    }

    func tail(
        serviceID: ServiceID, serverID: ServerID, secrets: [SecretText], tailLines: Int32,
        follow: Bool
    ) async throws -> any LogTail {
        asked.append((serviceID, secrets, tailLines))
        return Tail(self)
    }
}
