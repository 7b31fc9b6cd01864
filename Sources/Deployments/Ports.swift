public import Domain
public import PostgresClient

/// Keeps deployments.
public protocol DeploymentStore {
    /// Queues the insert of a deployment in state `queued` on the transaction.
    func insertWithinTx(_ tx: Transaction, _ deployment: NewDeployment) async throws

    /// Pins the environment to the server if it has none, and refuses the transaction when it lives
    /// on another one or when `max` deployments wait for the server already.
    ///
    /// Queued; surfaces at the next awaited result or at commit as a ``Problem`` of kind
    /// `failedPrecondition` that names the other server, or `resourceExhausted`.
    func admitWithinTx(_ tx: Transaction, _ deployment: NewDeployment, max: Int32) async throws

    /// Cancels a service's deployments in state `queued`.
    /// - Returns: What to tell of it.
    func cancelWaitingWithinTx(
        _ tx: Transaction, of serviceID: ServiceID, reason: String
    ) async throws -> [ChangeNotice]

    /// Supersedes a service's deployments in state `queued`.
    /// - Returns: What to tell of it.
    func supersedeWaitingWithinTx(
        _ tx: Transaction, of serviceID: ServiceID
    ) async throws -> [ChangeNotice]

    /// Queues the request that agents stop what they do for a service's deployments.
    func requestCancelWithinTx(_ tx: Transaction, of serviceID: ServiceID) async throws

    /// Calls one deployment off: at once when it waits, by a request when an agent works on it.
    ///
    /// - Returns: The deployment afterwards, and whether this call changed it; `nil` when there is
    ///   none.
    func cancelWithinTx(
        _ tx: Transaction, _ id: DeploymentID, reason: String
    ) async throws -> (deployment: Deployment, changed: Bool)?

    /// Queues the release of an environment's server; without effect while a service of it that was
    /// ever deployed is not purged.
    func releaseEnvironmentWithinTx(_ tx: Transaction, _ id: EnvironmentID) async throws

    /// The server of a service's newest deployment, or `nil` when it was never deployed.
    func newestServerWithinTx(_ tx: Transaction, of serviceID: ServiceID) async throws -> ServerID?

    /// Gives up what agents have worked on for longer than the deadline, at most `limit` of them, and
    /// has it undone; what was called off is cancelled, the rest failed.
    /// - Returns: What to tell of it.
    func failOverdueWithinTx(_ tx: Transaction, limit: Int) async throws -> [ChangeNotice]

    /// Asks for the deployment of that id, without waiting.
    func find(_ id: DeploymentID, in session: Session) -> Pending<Deployment?>

    /// Asks for what happened to a deployment after it was queued, oldest first, without waiting.
    func events(of id: DeploymentID, in session: Session) -> Pending<[DeploymentEvent]>

    /// At most `limit` deployments of a service, newest first, from the one after `after`.
    func list(
        of serviceID: ServiceID, after: DeploymentID?, limit: Int, in session: Session
    ) async throws -> [Deployment]

    /// Asks for the condition of each service, without waiting; services that were never deployed
    /// are absent.
    func conditions(
        of services: [ServiceID], in session: Session
    ) -> Pending<[ServiceID: ServiceCondition]>
}

/// Hands out the right to work.
///
/// Of all jobs of one service at most one is held at a time; each claim has a higher fencing token.
public protocol ClaimStore {
    /// Whether the session is the server's newest, and how many jobs it holds; nil when it is not.
    /// Keeps a newer session from beginning, and leases from being renewed, until the transaction
    /// ends.
    func heldByNewestWithinTx(_ tx: Transaction, _ holder: LeaseHolder) async throws -> Int?

    /// Claims at most `limit` jobs; of their services, gives up or supersedes what nobody shall work
    /// on, and has undone what was given up.
    ///
    /// - Precondition: The holder is the server's newest session, see ``heldByNewestWithinTx``.
    func claimWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder, limit: Int
    ) async throws -> Claims

    /// The holder's deployments that were called off and whose agent was not told so far.
    func cancelsWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder
    ) async throws -> [(reference: JobReference, serviceID: ServiceID)]

    /// Asks, without waiting, how long until the first pause of a job of the holder's server is over:
    /// of one that failed, or that its agent refused. `nil` when none is in its pause.
    func pauseLeftWithinTx(_ tx: Transaction, _ holder: LeaseHolder) -> Pending<Duration?>

    /// Renews leases, if the holder is the server's newest session.
    /// - Returns: The jobs whose leases were renewed.
    func renewWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder, jobs: [JobReference]
    ) async throws -> Set<JobReference>

    /// Gives the holder the leases of jobs that its agent got on an earlier session and still works on,
    /// if the holder is the server's newest session and nobody claimed them since.
    /// - Returns: The jobs that are the holder's now.
    func adoptWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder, jobs: [JobReference]
    ) async throws -> Set<JobReference>
}

/// Takes note of what came of the work.
public protocol JobStore {
    /// Locks a job's service and reads the job; `nil` when the reference names no job of that
    /// service and server, is older than the job's newest claim, or the session is not the newest.
    func lockWithinTx(
        _ tx: Transaction, _ holder: LeaseHolder, _ reference: JobReference, serviceID: ServiceID
    ) async throws -> LockedJob?

    /// Queues a move of a deployment that an agent works on; its lease is renewed.
    func advanceWithinTx(
        _ tx: Transaction, _ id: DeploymentID, to: DeploymentState, message: String
    ) async throws

    /// Queues what an agent made or found.
    func noteOutcomeWithinTx(
        _ tx: Transaction, _ id: DeploymentID, of serviceID: ServiceID, _ outcome: JobOutcome
    ) async throws

    /// Queues the move to `running`; what ran before is superseded.
    func succeedWithinTx(
        _ tx: Transaction, _ id: DeploymentID, of serviceID: ServiceID, message: String
    ) async throws

    /// Queues the move to `failed`.
    func failWithinTx(
        _ tx: Transaction, _ id: DeploymentID, message: String, _ failure: JobFailure
    ) async throws

    /// Queues the job that undoes what a deployment left on its server.
    func queueUndoWithinTx(_ tx: Transaction, of id: DeploymentID) async throws

    /// Queues the move to `cancelled`.
    func cancelledWithinTx(_ tx: Transaction, _ id: DeploymentID, message: String) async throws

    /// Queues the end of a deployment's lease: it is claimed again.
    func releaseWithinTx(_ tx: Transaction, _ id: DeploymentID) async throws

    /// The service of a deployment or other job; nil when there is none.
    func serviceWithinTx(_ tx: Transaction, of id: JobID) async throws -> ServiceID?

    /// Queues the note that an agent would not do a deployment's job: it is claimed again after a
    /// pause.
    func refusedWithinTx(
        _ tx: Transaction, _ id: DeploymentID, reason: String, message: String, after: Duration
    ) async throws

    /// Queues the renewal of another job's lease.
    func holdJobWithinTx(_ tx: Transaction, _ id: JobID) async throws

    /// Queues the end of another job.
    func endJobWithinTx(_ tx: Transaction, _ id: JobID) async throws

    /// Queues another try of another job after a pause.
    func retryJobWithinTx(
        _ tx: Transaction, _ id: JobID, after: Duration, message: String
    ) async throws

    /// Queues a job that is no deployment, unless the service has one of the kind; without effect on
    /// services that were never claimed. For an undo: ``queueUndoWithinTx(_:of:)``.
    ///
    /// - Returns: Whether the service has such a job now.
    func queueJobWithinTx(
        _ tx: Transaction, _ id: JobID, _ kind: ServiceJobKind, of serviceID: ServiceID
    ) async throws -> Bool

    /// Queues the removal of a service's jobs of that kind that nobody holds; of a purge that an agent
    /// was ever given nothing is removed, for it may have taken the data before it failed.
    func dropJobWithinTx(
        _ tx: Transaction, _ kind: ServiceJobKind, of serviceID: ServiceID
    ) async throws

    /// Whether an agent was ever given a job of that kind that is not done.
    func isJobBegunWithinTx(
        _ tx: Transaction, _ kind: ServiceJobKind, of serviceID: ServiceID
    ) async throws -> Bool
}

/// Keeps what is known of services' containers.
public protocol InstanceStore {
    /// The services that run on a server, if the session is its newest; `nil` when it is not.
    ///
    /// - Parameter surveyAge: How old the inventory is that they shall be compared with.
    func running(
        _ holder: LeaseHolder, surveyAge: Duration, in session: Session
    ) async throws -> [RunningInstance]?

    /// Queues what an agent saw of a service's container, unless something else runs by now, or a job
    /// of the service is at work or ended since.
    func noteObservedWithinTx(_ tx: Transaction, _ observation: Observation) async throws

    /// Queues the lock under which a service's work is handed out; without effect on services that
    /// were never up for a claim.
    func lockWithinTx(_ tx: Transaction, _ serviceID: ServiceID) async throws

    /// Queues the note that an agent has ended a job of a service: what it saw before is outdated.
    func noteWorkedWithinTx(_ tx: Transaction, _ serviceID: ServiceID) async throws

    /// Queues the note that a restart failed, which stays until a restart or a deployment succeeds.
    func noteRestartFailedWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, reason: String, message: String
    ) async throws

    /// Queues the note that a restart succeeded.
    func noteRestartedWithinTx(_ tx: Transaction, _ serviceID: ServiceID) async throws

    /// Queues the note that nothing of a service runs any more.
    func noteTornDownWithinTx(_ tx: Transaction, _ serviceID: ServiceID) async throws

    /// What may be recovered of a service whose container is gone: where it ran; `nil` when it is
    /// not gone any more, something is queued or at work, or it was recovered too often lately.
    ///
    /// Locks the service's instance.
    func recoverableWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, missing: DeploymentID
    ) async throws -> ServerID?

    /// What shall run on a server.
    func desired(
        on serverID: ServerID, in session: Session
    ) async throws -> [(service: ServiceID, deployment: DeploymentID)]

    /// Which of some names are those of volumes of services on a server, or of networks of
    /// environments that live there.
    func known(
        among names: [String], on serverID: ServerID, in session: Session
    ) async throws -> Set<String>

    /// The deployment of a service that runs, its server, and whether that server's agent is there;
    /// `nil` when the service was never claimed.
    func whereabouts(
        of serviceID: ServiceID, in session: Session
    ) async throws -> Whereabouts?

    /// Asks where services that jobs are about keep their data, without waiting.
    func volume(of serviceID: ServiceID, in session: Session) -> Pending<InstanceVolume?>
}
