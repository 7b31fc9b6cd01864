import DockerEngine
import Domain
import EventLoops
import Logging

/// Does one job and tells how it goes.
final class JobRunner: JobWork {
    /// Where progress goes, and what else a job needs to know.
    struct Surroundings {
        /// Sends a progress; without effect while no stream is open.
        let report: (JobProgress) -> Void
        /// Says that a job is stale.
        let refuse: (JobReference, JobVerifier.Refusal) -> Void
        /// The deployment that should run, as far as it is known.
        let desired: (ServiceID) -> DeploymentID?
        /// The service has a deployment that runs now, or shall have none any more.
        let changed: (ServiceID, DeploymentID?) -> Void
        /// Why containers may not be started now; nil when they may.
        let obstacle: () -> JobFailed?
        /// Whether the engine stays.
        let engine: any EnginePresence
    }

    private let tools: DeployRun.Tools
    private let others: OtherJobs
    private let surroundings: Surroundings
    private let retries: OutageRetries
    private let logger: Logger

    init(tools: DeployRun.Tools, surroundings: Surroundings, reactor: Reactor, logger: Logger) {
        var tools = tools
        // Whoever starts a container asks first, also where something is undone.
        tools.obstacle = surroundings.obstacle
        self.tools = tools
        self.surroundings = surroundings
        self.logger = logger
        retries = OutageRetries(engine: surroundings.engine, reactor: reactor, logger: logger)
        others = OtherJobs(
            engine: tools.engine, starts: tools.starts, verification: tools.verification,
            networks: tools.networks,
            obstacle: surroundings.obstacle)
    }

    /// Does the job to its end.
    func run(_ control: JobControl, on loop: isolated EventLoop) async {
        if control.ending == .cancelled {
            // This run has done nothing, but one of an earlier claim may have.
            let undo = LoopTask(on: loop) { try await self.undo(control.job) }
            let isUndone = await undo.settled() != nil
            report(
                control, .cancelled,
                isUndone ? "Cancelled before it began." : "Cancelled; not everything was undone.")
            return
        }
        report(control, .accepted, "The agent took up the job.")
        do {
            try await work(control, on: loop)
        } catch {
            settle(control, error)
        }
    }

    private func work(_ control: JobControl, on loop: isolated EventLoop) async throws {
        let job = control.job
        let tell = { (state: JobProgress.State, message: String, outcome: JobOutcome?) in
            self.report(control, state, message, outcome: outcome)
        }
        switch job.kind {
        case .deploy(let order):
            try await deploy(order, control, tell, on: loop)
        case .restart(let order):
            if let obstacle = surroundings.obstacle() { throw obstacle }
            try await retries.attempt {
                try await self.others.restart(order, of: job.serviceID, tell: tell, on: loop)
            }
            report(control, .succeeded, "PostgreSQL serves again.")
        case .teardown(let order):
            surroundings.changed(job.serviceID, nil)
            try await others.tearDown(order, of: job.serviceID, tell: tell)
            report(control, .succeeded, "No container of the service is left.")
        case .purge(let volume, let environment):
            if let error = try await others.purge(volume, in: environment, of: job.serviceID) {
                logger.warning(
                    "a purge left the environment's network",
                    metadata: ["service": "\(job.serviceID)", "error": "\(error)"])
            }
            report(control, .succeeded, "The data is gone.")
        case .cancel:
            try await undo(job)
            report(control, .cancelled, "Cancelled.")
        }
    }

    /// Undoes what runs of a deployment left that are not this one.
    private func undo(_ job: AgentJob) async throws {
        try await others.undo(
            JobIdentity(reference: job.reference, serviceID: job.serviceID),
            previous: surroundings.desired(job.serviceID))
    }

    private func deploy(
        _ order: DeployOrder, _ control: JobControl, _ tell: @escaping DeployRun.Tell,
        on loop: isolated EventLoop
    ) async throws {
        if let obstacle = surroundings.obstacle() { throw obstacle }
        let job = control.job
        let run = DeployRun(
            order: order, job: JobIdentity(reference: job.reference, serviceID: job.serviceID),
            previous: surroundings.desired(job.serviceID), tools: tools, tell: tell)
        do {
            let outcome = try await tools.networks.using(order.environmentID) {
                try await self.retries.attempt { try await run.run(on: loop) }
            }
            surroundings.changed(job.serviceID, order.deploymentID)
            report(control, .succeeded, "PostgreSQL serves.", outcome: outcome)
        } catch let stale as JobStale {
            throw stale
        } catch {
            guard control.ending != .dropped else { return }
            // In a task of its own: this one may be cancelled, and then nothing could be undone.
            let note = await LoopTask(on: loop) { await run.undo(on: loop) }.settled()
            settle(control, error, note ?? "", outcome: run.outcome)
        }
    }

    // MARK: The end

    /// Reports how a job ended that did not succeed.
    private func settle(
        _ control: JobControl, _ error: any Error, _ note: String = "", outcome: JobOutcome? = nil
    ) {
        switch control.ending {
        case .dropped: return
        case .cancelled:
            report(control, .cancelled, JobRunner.joined("Cancelled.", note), outcome: outcome)
        case .own:
            if error is JobStale {
                surroundings.refuse(control.job.reference, .staleToken)
                return
            }
            let failed = JobFailed(any: error)
            logger.warning(
                "a job failed",
                metadata: [
                    "service": "\(control.job.serviceID)", "reason": "\(failed.reason.rawValue)",
                    "message": "\(failed.message)",
                ])
            report(
                control, .failed, JobRunner.joined(failed.message, note),
                failure: JobFailure(reason: failed.reason.rawValue, hint: failed.reason.hint),
                outcome: outcome)
        }
    }

    private static func joined(_ message: String, _ note: String) -> String {
        note.isEmpty ? message : "\(message) \(note)"
    }

    private func report(
        _ control: JobControl, _ state: JobProgress.State, _ message: String,
        failure: JobFailure? = nil, outcome: JobOutcome? = nil
    ) {
        guard control.ending != .dropped else { return }
        surroundings.report(
            JobProgress(
                reference: control.job.reference, serviceID: control.job.serviceID, state: state,
                message: message, failure: failure, outcome: outcome))
    }
}
