import Domain
import PostgresClient

/// Forgets create requests that have expired, a small batch a transaction.
public struct SweepCreateRequests {
    let transactions: any TransactionRunner
    let requests: any CreateRequestStore
    let clock: any WallClock

    /// Sweeps until a batch is not full.
    ///
    /// - Returns: How many requests were forgotten.
    @discardableResult
    public func callAsFunction() async throws -> Int {
        let expiry = clock.now().advanced(by: .zero - CreateRequestMemory.duration)
        var total = 0
        while true {
            let swept = try await transactions.inTransaction { tx in
                try await requests.sweepWithinTx(
                    tx, olderThan: expiry, limit: CreateRequestMemory.sweepBatchMax)
            }
            total += swept
            if swept < CreateRequestMemory.sweepBatchMax { return total }
        }
    }
}
