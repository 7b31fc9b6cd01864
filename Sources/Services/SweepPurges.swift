import Domain
import PostgresClient

/// Has the data of deleted services removed when it is kept no longer, a small batch a transaction.
public struct SweepPurges {
    let transactions: any TransactionRunner
    let store: any ServiceStore
    let deployments: any DeploymentRetirer
    let secrets: any SecretEraser
    let clock: any WallClock

    /// The services that one transaction looks at.
    static let batchMax = 32

    /// Sweeps until a batch is not full.
    ///
    /// - Returns: How many services' data is removed from now on, or was found to be gone.
    @discardableResult
    public func callAsFunction() async throws -> Int {
        var total = 0
        while true {
            let now = clock.now()
            let count = try await transactions.inTransaction { tx in
                let due = try await store.dueForPurgeWithinTx(
                    tx, at: now, limit: SweepPurges.batchMax)
                var left: Set<EnvironmentID> = []
                for service in due {
                    let isAnythingLeft = try await purge(tx, service, at: now)
                    if !isAnythingLeft { left.insert(service.environmentID) }
                }
                // In one order for all, so that two sweeps cannot wait for each other.
                for id in left.sorted(by: { $0.description < $1.description }) {
                    try await deployments.releaseEnvironmentWithinTx(tx, id)
                }
                return due.count
            }
            total += count
            if count < SweepPurges.batchMax { return total }
        }
    }

    /// - Returns: Whether an agent has something to remove.
    private func purge(
        _ tx: Transaction, _ service: Service, at now: Timestamp
    ) async throws -> Bool {
        let isAnythingLeft = try await deployments.purgeWithinTx(tx, service.id, at: now)
        if isAnythingLeft {
            try await store.markPurgeQueuedWithinTx(tx, service.id, at: now)
        } else {
            // No agent ever worked on it: there is no volume.
            try await store.markPurgedWithinTx(tx, service.id, at: now)
            try await secrets.eraseSecretsWithinTx(tx, of: service.id)
        }
        tx.notify(of: service, hasWork: isAnythingLeft)
        return isAnythingLeft
    }
}
