public import Domain
import PostgresClient

/// Follows a deployment until it runs or has ended.
public struct WatchDeployment {
    let get: GetDeployment
    let changes: any ChangeFeed

    /// Sends the deployment as it is, and again whenever it changed; what is read again is
    /// authorized again.
    ///
    /// - Throws: ``Problem`` as ``GetDeployment``; what `send` throws; `CancellationError`.
    public func callAsFunction(
        id text: String, caller: CallerContext,
        send: (DeploymentHistory) async throws -> Void
    ) async throws {
        var sent: DeploymentHistory?
        // Listening begins before the first look, so that nothing falls between.
        let subscription = DeploymentID(text).map { changes.subscribe(to: .deployment($0)) }
        defer { subscription?.cancel() }
        while true {
            let history = try await get(id: text, caller: caller)
            if history != sent {
                try await send(history)
                sent = history
            }
            guard !history.deployment.state.isSettled, let subscription else { return }
            try await subscription.next()
        }
    }
}
