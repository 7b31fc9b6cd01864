import Domain
import PostgresClient

/// Gives up deployments that agents have worked on for too long, a small batch a transaction.
public struct SweepOverdue {
    let transactions: any TransactionRunner
    let store: any DeploymentStore

    /// Sweeps until a batch is not full.
    ///
    /// - Returns: How many deployments were given up.
    @discardableResult
    public func callAsFunction() async throws -> Int {
        var total = 0
        while true {
            let count = try await transactions.inTransaction { tx in
                let notices = try await store.failOverdueWithinTx(
                    tx, limit: EngineLimits.sweepBatchMax)
                for notice in notices { tx.notify(notice) }
                return notices.count
            }
            total += count
            if count < EngineLimits.sweepBatchMax { return total }
        }
    }
}
