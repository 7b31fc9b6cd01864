import Domain
import PostgresClient

/// Takes note of what an agent sees running, and queues a new deployment for what is gone.
struct ObserveContainers {
    let sessions: any SessionRunner
    let transactions: any TransactionRunner
    let instances: any InstanceStore
    let readable: ReadableText
    let recover: RecoverService

    /// - Parameter surveyAge: How long ago the agent began to look; for what was done since, the
    ///   inventory is no news.
    func callAsFunction(
        _ holder: LeaseHolder, _ seen: [ObservedContainer], surveyAge: Duration
    ) async throws {
        let age = min(max(surveyAge, .zero), EngineLimits.surveyAgeMax)
        let known = try await sessions.inSession { session in
            try await instances.running(holder, surveyAge: age, in: session)
        }
        guard let known else { return }
        let comparison = Comparison(
            known: known, seen: Array(seen.prefix(EngineLimits.namedMax)), surveyAge: age)
        var changes: [Observation] = []
        for change in comparison.changes {
            if let change = try await stored(change, known) { changes.append(change) }
        }
        // In one order for all, so that two inventories cannot wait for each other.
        changes.sort { $0.serviceID.description < $1.serviceID.description }
        for start in stride(from: 0, to: changes.count, by: EngineLimits.observedBatchMax) {
            let batch = changes[start..<min(start + EngineLimits.observedBatchMax, changes.count)]
            try await transactions.inTransaction { tx in
                for change in batch {
                    try await instances.noteObservedWithinTx(tx, change)
                    tx.notify(
                        ChangeNotice(
                            hasWork: false, serverID: holder.serverID,
                            environmentID: change.environmentID, serviceID: change.serviceID,
                            deploymentID: nil))
                }
            }
        }
        for missing in comparison.missing {
            try await recover(missing.serviceID, missing: missing.deploymentID)
        }
    }

    /// The change with a message fit to be stored; nil when it then says what is known already.
    private func stored(
        _ change: Observation, _ known: [RunningInstance]
    ) async throws -> Observation? {
        let message = try await readable([change.message], of: change.serviceID)[0]
        let before = known.first { $0.serviceID == change.serviceID }
        if let before, before.observed == change.observed, before.message == message,
            before.restartCount == change.restartCount
        {
            return nil
        }
        return Observation(
            serviceID: change.serviceID, environmentID: change.environmentID,
            deploymentID: change.deploymentID, observed: change.observed, message: message,
            restartCount: change.restartCount, age: change.age)
    }
}

/// What an inventory says that was not known.
struct Comparison {
    /// Containers that are otherwise than they were.
    private(set) var changes: [Observation] = []
    /// Services whose container is not there.
    private(set) var missing: [RunningInstance] = []

    /// Compares what should run with what does.
    ///
    /// A service with a job at work, or one that ended since the look, is left out: its agent may have
    /// stopped the container itself.
    init(known: [RunningInstance], seen: [ObservedContainer], surveyAge: Duration = .zero) {
        struct Key: Hashable {
            let service: ServiceID
            let deployment: DeploymentID
        }
        let containers = Dictionary(
            seen.map { (Key(service: $0.serviceID, deployment: $0.deploymentID), $0) },
            uniquingKeysWith: { $0.fencingToken > $1.fencingToken ? $0 : $1 })
        for instance in known where !instance.isAtWork && !instance.isOutdated {
            let key = Key(service: instance.serviceID, deployment: instance.deploymentID)
            if let container = containers[key] {
                note(
                    instance, RunningInstance.Observed(container.state), container.message,
                    container.restartCount, age: surveyAge)
            } else if !instance.isSettling {
                missing.append(instance)
                note(
                    instance, .missing, "the container is gone", instance.restartCount,
                    age: surveyAge + EngineLimits.settleDuration)
            }
        }
    }

    private mutating func note(
        _ instance: RunningInstance, _ observed: RunningInstance.Observed, _ message: String,
        _ restartCount: Int32, age: Duration
    ) {
        guard
            instance.observed != observed || instance.message != message
                || instance.restartCount != restartCount
        else { return }
        changes.append(
            Observation(
                serviceID: instance.serviceID, environmentID: instance.environmentID,
                deploymentID: instance.deploymentID, observed: observed, message: message,
                restartCount: max(restartCount, 0), age: age))
    }
}

extension RunningInstance.Observed {
    init(_ state: ObservedContainer.State) {
        self =
            switch state {
            case .running: .running
            case .restarting: .restarting
            case .exited: .exited
            }
    }
}
