public import Domain
public import PostgresClient

/// Keeps servers and their registration tokens.
public protocol ServerStore {
    /// Queues the insert of a server on the transaction.
    func insertWithinTx(_ tx: Transaction, _ server: Server) async throws

    /// Queues the insert of a server's registration token; one that is there is replaced.
    func putTokenWithinTx(
        _ tx: Transaction, of serverID: ServerID, hash: [UInt8], expiresAt: Timestamp, at: Timestamp
    ) async throws

    /// The server of that id, or `nil`.
    func find(_ id: ServerID, in session: Session) async throws -> Server?

    /// What was kept of the orphans of a server.
    func orphans(of id: ServerID, in session: Session) async throws -> [ServerOrphan]

    /// At most `limit` servers of a workspace, newest first, from the one after `after`.
    func list(
        of workspaceID: WorkspaceID, after: ServerID?, limit: Int, in session: Session
    ) async throws -> [Server]
}

/// Keeps agents: who they are, and which of their streams is the newest.
public protocol AgentStore {
    /// Takes a registration token that is still valid: nobody can take it again.
    ///
    /// - Returns: The server that it was minted for; nil when it is unknown, used or expired.
    func takeTokenWithinTx(
        _ tx: Transaction, hash: [UInt8]
    ) async throws -> (id: ServerID, workspaceID: WorkspaceID, name: String)?

    /// Queues the replacement of a server's agent: no stream of the earlier one is the newest then.
    func replaceWithinTx(_ tx: Transaction, _ agent: NewAgent, of serverID: ServerID) async throws

    /// Makes a stream the newest of the server whose agent has that credential; that an earlier one
    /// was open is noted as that one's end.
    ///
    /// - Returns: Whose stream it is; nil when no agent has the credential.
    func beginSessionWithinTx(
        _ tx: Transaction, credential: Credential, _ sessionID: AgentSessionID, version: String,
        host: HostFacts
    ) async throws -> AgentIdentity?

    /// Notes that an agent was heard of.
    ///
    /// - Returns: False when the stream is not the newest of its server any more.
    func noteSeen(
        _ identity: AgentIdentity, host: HostFacts, in session: Session
    ) async throws -> Bool

    /// Whether the stream is the newest of its server.
    func isNewest(_ identity: AgentIdentity, in session: Session) async throws -> Bool

    /// Queues the note that a stream has ended, and why; without effect when it is not the newest any
    /// more.
    func endSessionWithinTx(
        _ tx: Transaction, _ identity: AgentIdentity, reason: String
    ) async throws

    /// Queues the note of what was refused last.
    func noteRefusalWithinTx(
        _ tx: Transaction, _ text: String, of serverID: ServerID
    ) async throws

    /// Replaces what was kept of a server's orphans: their number, and those that are shown; without
    /// effect when the stream is not the newest any more.
    func replaceOrphansWithinTx(
        _ tx: Transaction, _ orphans: [ServerOrphan], count: Int, of identity: AgentIdentity
    ) async throws

    /// Sends a notification of its own.
    func notify(_ channel: String, _ payload: String, in session: Session) async throws
}

/// An agent about to be stored.
public struct NewAgent: Hashable, Sendable {
    /// The SHA-256 of its credential.
    public let credentialHash: [UInt8]
    /// Its Ed25519 public key.
    public let publicKey: [UInt8]
    /// Its version.
    public let version: String
    /// When it registered.
    public let at: Timestamp
}

/// Whose stream a stream is.
public struct AgentIdentity: Hashable, Sendable {
    /// The server that the agent acts for.
    public let serverID: ServerID
    /// The workspace that the server belongs to.
    public let workspaceID: WorkspaceID
    /// The server's name.
    public let serverName: String
    /// The key that signs the agent's reports.
    public let publicKey: [UInt8]
    /// The stream.
    public let sessionID: AgentSessionID
}

/// Records an audit event inside the caller's transaction.
public protocol AuditRecorder {
    /// Inserts the event; when that fails, the transaction does.
    func recordWithinTx(_ tx: Transaction, _ entry: AuditEntry) async throws
}

/// The work that waits for agents, kept by another module. Every call is a short transaction of its
/// own.
public protocol AgentJobs {
    /// Claims work for a server's newest stream: each job gets a lease and a higher fencing token.
    ///
    /// Asked when the feed tells of work for the server, after each job that ended, when the first
    /// pause is over, and now and then.
    /// - Parameter limit: The most jobs to claim; may be 0. Orders to cancel a job that is at work come
    ///   beside, whatever the limit, each once: their reference is that of the job to be stopped.
    /// - Returns: The jobs, with secrets opened; none when nothing waits or `session` is not the
    ///   newest stream of the server. And when to ask again at the latest: no notice comes of a pause
    ///   that is over.
    func claim(
        server: ServerID, session: AgentSessionID, limit: Int
    ) async throws -> ClaimedWork

    /// Renews the leases of jobs that the agent works on.
    ///
    /// - Returns: Those that it has lost, or that nobody wants any more.
    func renew(
        server: ServerID, session: AgentSessionID, jobs: [JobReference]
    ) async throws -> [JobReference]

    /// Gives the stream the jobs that its agent got on an earlier one and still works on.
    ///
    /// - Returns: Those that are the stream's now; the agent loses the others.
    func adopt(
        server: ServerID, session: AgentSessionID, jobs: [JobReference]
    ) async throws -> [JobReference]

    /// Takes a job back that the agent would not begin; without effect when the right to it was lost.
    func refused(
        server: ServerID, session: AgentSessionID, job: JobReference, reason: String
    ) async throws

    /// Records how far a job has come.
    ///
    /// - Returns: False when the right to it was lost; nothing is changed then.
    func record(
        server: ServerID, session: AgentSessionID, progress: JobProgress
    ) async throws -> Bool

    /// Records every container that the agent sees; a service that should run there and is not among
    /// them has none.
    ///
    /// - Parameter surveyAge: How long ago the agent began to look, as it says: not negative.
    func observe(
        server: ServerID, session: AgentSessionID, containers: [ObservedContainer],
        surveyAge: Duration
    ) async throws

    /// Those of some names of things on a server that are nothing which ought to be there: no volume of
    /// a service, no network of an environment.
    func strangers(among names: [String], server: ServerID) async throws -> [String]

    /// What shall run on a server.
    func desired(server: ServerID) async throws -> [(service: ServiceID, deployment: DeploymentID)]
}
