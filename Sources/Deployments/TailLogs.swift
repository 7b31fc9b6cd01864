public import Domain
import PostgresClient

/// Shows the output of a service's container.
public struct TailLogs {
    let authorizer: any Authorizer
    let sessions: any SessionRunner
    let instances: any InstanceStore
    let config: any DeploymentConfig
    let logs: any LogTails

    /// The lines to begin with unless a caller says.
    public static let linesDefault: Int32 = 100
    /// The lines to begin with at most.
    public static let linesMax: Int32 = 1000

    /// Sends the last lines, and goes on with new ones when asked to follow.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`, `failedPrecondition`, `unavailable`, `resourceExhausted`; what `send`
    ///   throws; `CancellationError`.
    public func callAsFunction(
        id text: String, tailLines: Int32, follow: Bool, caller: CallerContext,
        send: ([LogLine]) async throws -> Void
    ) async throws {
        let (id, grant) = try await authorizeService(text, .revealSecrets, authorizer, caller)
        guard tailLines >= 0 else {
            throw Problem.invalid([
                Problem.FieldViolation(field: "tail_lines", rule: "must not be negative")
            ])
        }
        let (serverID, secrets) = try await place(id, grant)
        let lines = tailLines == 0 ? TailLogs.linesDefault : min(tailLines, TailLogs.linesMax)
        let tail = try await logs.tail(
            serviceID: id, serverID: serverID, secrets: secrets, tailLines: lines, follow: follow)
        defer { tail.cancel() }
        while let lines = try await tail.next() { try await send(lines) }
    }

    private func place(
        _ id: ServiceID, _ grant: Grant
    ) async throws -> (ServerID, [SecretText]) {
        try await sessions.inSession { session in
            guard let whereabouts = try await instances.whereabouts(of: id, in: session),
                whereabouts.hasContainer, let environmentID = grant.environmentID
            else { throw Problem(.failedPrecondition, "the service has no container") }
            guard whereabouts.agentIsOnline else {
                throw Problem(.unavailable, "the agent of the service's server is away")
            }
            let entries = try await config.effectiveEntries(
                serviceID: id, environmentID: environmentID, in: session
            ).value()
            return (whereabouts.serverID, entries.secrets)
        }
    }
}
