public import Domain

/// The work that waits for agents, kept by another module. Every call is a short transaction of its
/// own.
public protocol AgentJobs {
    /// Claims work for a server's newest stream: each job gets a lease and a higher fencing token.
    ///
    /// - Parameter limit: The most jobs to claim.
    /// - Returns: The jobs, with secrets opened; empty when nothing waits or `session` is not the
    ///   newest stream of the server.
    func claim(
        server: ServerID, session: AgentSessionID, limit: Int
    ) async throws -> [AgentJob]

    /// Renews the leases of jobs that the agent works on.
    ///
    /// - Returns: Those that it has lost, or that nobody wants any more.
    func renew(
        server: ServerID, session: AgentSessionID, jobs: [JobReference]
    ) async throws -> [JobReference]

    /// Records how far a job has come.
    ///
    /// - Returns: False when the right to it was lost; nothing is changed then.
    func record(
        server: ServerID, session: AgentSessionID, progress: JobProgress
    ) async throws -> Bool

    /// Records every container that the agent sees; a service that should run there and is not among
    /// them has none.
    func observe(
        server: ServerID, session: AgentSessionID, containers: [ObservedContainer]
    ) async throws

    /// What shall run on a server.
    func desired(server: ServerID) async throws -> [(service: ServiceID, deployment: DeploymentID)]
}
