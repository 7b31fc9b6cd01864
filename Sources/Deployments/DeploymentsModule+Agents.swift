public import Domain
import PostgresClient

// What the keeper of agents may ask for. Every call is a short transaction of its own.

extension DeploymentsModule {
    /// Claims work for a server's newest stream: each job gets a lease and a higher fencing token.
    ///
    /// - Parameter limit: The most jobs to claim; requests to stop come on top of them.
    /// - Returns: The jobs in the order to send them, secrets opened; none when nothing waits or
    ///   `session` is not the newest stream of the server.
    public func claim(
        server: ServerID, session: AgentSessionID, limit: Int
    ) async throws -> ClaimedWork {
        try await claimWork(LeaseHolder(serverID: server, session: session), limit: limit)
    }

    /// Renews the leases of jobs that the agent works on.
    ///
    /// - Returns: Those that it has lost.
    public func renew(
        server: ServerID, session: AgentSessionID, jobs: [JobReference]
    ) async throws -> [JobReference] {
        let named = Array(jobs.prefix(EngineLimits.namedMax))
        guard !named.isEmpty else { return [] }
        let holder = LeaseHolder(serverID: server, session: session)
        let renewed = try await transactions.inTransaction { tx in
            try await claims.renewWithinTx(tx, holder, jobs: named)
        }
        return jobs.filter { !renewed.contains($0) }
    }

    /// Gives a server's newest stream the jobs that its agent got on an earlier one and still works
    /// on: they go on as they are, with the token that they have.
    ///
    /// - Returns: Those that are the stream's now; whoever claimed another meanwhile keeps it.
    public func adopt(
        server: ServerID, session: AgentSessionID, jobs: [JobReference]
    ) async throws -> [JobReference] {
        let named = Array(jobs.prefix(EngineLimits.namedMax))
        guard !named.isEmpty else { return [] }
        let holder = LeaseHolder(serverID: server, session: session)
        let adopted = try await transactions.inTransaction { tx in
            try await claims.adoptWithinTx(tx, holder, jobs: named)
        }
        return named.filter { adopted.contains($0) }
    }

    /// Takes a job back that the agent would not begin; it is sent again, after a pause if that was
    /// not the first time. Without effect when the right to it was lost.
    public func refused(
        server: ServerID, session: AgentSessionID, job: JobReference, reason: String
    ) async throws {
        try await refuseJob(
            LeaseHolder(serverID: server, session: session), job, reason: reason)
    }

    /// Records how far a job has come.
    ///
    /// - Returns: False when the right to it was lost; nothing is changed then.
    public func record(
        server: ServerID, session: AgentSessionID, progress: JobProgress
    ) async throws -> Bool {
        try await recordProgress(LeaseHolder(serverID: server, session: session), progress)
    }

    /// Records every container that the agent sees; a service that should run there and is not among
    /// them has none, and is deployed again.
    ///
    /// - Parameter surveyAge: How long ago the agent began to look; what was done for a service since
    ///   counts more.
    public func observe(
        server: ServerID, session: AgentSessionID, containers: [ObservedContainer],
        surveyAge: Duration
    ) async throws {
        try await observeContainers(
            LeaseHolder(serverID: server, session: session), containers, surveyAge: surveyAge)
    }

    /// Those of some names of volumes and networks on a server that are no service's and no
    /// environment's of it; and any other names.
    public func strangers(among names: [String], server: ServerID) async throws -> [String] {
        let known = try await sessions.inSession { session in
            try await instances.known(among: names, on: server, in: session)
        }
        return names.filter { !known.contains($0) }
    }

    /// What shall run on a server.
    public func desired(
        server: ServerID
    ) async throws -> [(service: ServiceID, deployment: DeploymentID)] {
        try await sessions.inSession { session in
            try await instances.desired(on: server, in: session)
        }
    }
}
