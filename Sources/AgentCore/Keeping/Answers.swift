import DockerEngine
import Domain
import EventLoops
import PostgresClient

/// Asks the databases that run whether they answer: a container that runs may hold a PostgreSQL that
/// hangs, still recovers, or that nobody reaches any more.
final class Answers {
    /// How long one question may take.
    static let attemptMax = Duration.seconds(2)
    /// Containers that are asked at once, each by one connection at a time.
    static let atOnceMax = 16
    /// The bytes of a reason that is told.
    static let reasonBytesMax = 160
    /// Where a container of an older agent listens, whose label does not say.
    static let portDefault: Int32 = 5432

    private let prober: any AnswerProber
    /// By the containers' ids.
    private var records: [String: AnswerRecord] = [:]
    private var queue: [EngineContainerDetails] = []

    init(prober: any AnswerProber) { self.prober = prober }

    /// Asks those of the running containers that it is time for, and forgets all others.
    func refresh(_ containers: [EngineContainerDetails], on loop: isolated EventLoop) async {
        let now = Instant.now()
        var kept: [String: AnswerRecord] = [:]
        for container in containers {
            let known = records[container.id]
            kept[container.id] =
                known?.startedAt == container.startedAt
                ? known : AnswerRecord(startedAt: container.startedAt, now: now)
        }
        records = kept
        queue = containers.filter { container in
            records[container.id].map { $0.isDue(now) } ?? false
        }
        let askers = (0..<min(Answers.atOnceMax, queue.count)).map { _ in
            LoopTask(on: loop) {
                while let container = self.queue.popLast() { await self.ask(container) }
            }
        }
        for asker in askers { await asker.settled() }
    }

    /// Why a container that runs does not count as running; nil when it does.
    func doubt(_ id: String) -> String? {
        guard let record = records[id] else { return nil }
        return record.doubt.map {
            String(decoding: $0.utf8.prefix(Answers.reasonBytesMax), as: UTF8.self)
        }
    }

    /// When to ask next; nil when there is nobody to be asked.
    var due: Instant? { records.values.map(\.due).min() }

    private func ask(_ container: EngineContainerDetails) async {
        let answer: ServerAnswer
        if let address = Answers.address(of: container) {
            answer = await prober.answer(
                at: address, port: Answers.port(of: container), as: Answers.names(in: container),
                within: Answers.attemptMax)
        } else {
            answer = .silent("the container is not on its environment's network")
        }
        records[container.id]?.note(answer, now: Instant.now())
    }

    /// Where siblings reach it.
    private static func address(of container: EngineContainerDetails) -> String? {
        container.labels[Label.environment].flatMap { EnvironmentID($0) }
            .flatMap { container.addresses[DockerNames.network(of: $0)] }
            .flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func port(of container: EngineContainerDetails) -> Int32 {
        container.labels[Label.port].flatMap { Int32($0) } ?? portDefault
    }

    private static func names(in container: EngineContainerDetails) -> ProbeNames {
        let username = container.environment[PostgresVariable.username] ?? "postgres"
        return ProbeNames(
            username: username,
            databaseName: container.environment[PostgresVariable.databaseName] ?? username)
    }
}
