import Domain
import EventLoops

/// What does a job.
protocol JobWork: AnyObject {
    /// Does a job and reports it; ends soon once its task is cancelled.
    func run(_ control: JobControl, on loop: isolated EventLoop) async
}

/// Which jobs run and which wait: a few at once, one a service, the newest token first.
final class JobBoard {
    /// Jobs that run at once.
    static let jobsAtOnceMax = 4
    /// Jobs that wait; the control plane leases fewer, and leases what is dropped here again.
    static let jobsWaitingMax = 64

    private var running: [ServiceID: JobControl] = [:]
    private var waiting: [AgentJob] = []
    /// Services whose containers the keeper is about to start.
    private var held: Set<ServiceID> = []
    private var isClosed = false
    private let work: any JobWork

    init(work: any JobWork) { self.work = work }

    /// The jobs that the agent has, for its heartbeats.
    var references: [JobReference] {
        running.values.filter { $0.ending != .dropped }.map(\.job.reference)
            + waiting.map(\.reference)
    }

    /// Whether a job of the service runs or waits.
    func isBusy(_ service: ServiceID) -> Bool {
        running[service] != nil || waiting.contains { $0.serviceID == service }
    }

    /// Takes a job.
    /// - Returns: False when it is there already, or too many wait.
    @discardableResult
    func add(_ job: AgentJob, on loop: isolated EventLoop) -> Bool {
        guard !isClosed, !references.contains(job.reference),
            waiting.count < JobBoard.jobsWaitingMax
        else { return false }
        // An older claim of the service's work is worth nothing any more.
        running[job.serviceID]?.end(as: .dropped)
        waiting.removeAll { $0.serviceID == job.serviceID }
        waiting.append(job)
        startWhatCan(on: loop)
        return true
    }

    /// Undoes a job as its caller wishes.
    /// - Returns: False when it is not here.
    func cancel(_ reference: JobReference) -> Bool {
        if let index = waiting.firstIndex(where: { $0.reference == reference }) {
            // An earlier claim may have begun it, and may still be ending here: in its turn.
            waiting[index] = AgentJob(
                reference: reference, serviceID: waiting[index].serviceID, kind: .cancel)
            return true
        }
        let match = running.values.first {
            $0.job.reference == reference && $0.ending != .dropped
        }
        match?.end(as: .cancelled)
        return match != nil
    }

    /// Drops jobs whose right was lost.
    func drop(_ references: [JobReference]) {
        waiting.removeAll { references.contains($0.reference) }
        for control in running.values where references.contains(control.job.reference) {
            control.end(as: .dropped)
        }
    }

    /// Keeps jobs of a service from starting.
    /// - Returns: False when one runs or waits, or somebody holds it already.
    func hold(_ service: ServiceID) -> Bool {
        guard !isClosed, !isBusy(service) else { return false }
        return held.insert(service).inserted
    }

    /// Lets jobs of the service start again.
    func release(_ service: ServiceID, on loop: isolated EventLoop) {
        held.remove(service)
        startWhatCan(on: loop)
    }

    /// Drops everything and waits until no job has an effect any more.
    func close() async {
        isClosed = true
        waiting = []
        let controls = Array(running.values)
        for control in controls { control.end(as: .dropped) }
        for control in controls { await control.task?.settled() }
    }

    private func startWhatCan(on loop: isolated EventLoop) {
        while running.count < JobBoard.jobsAtOnceMax {
            let index = waiting.firstIndex {
                running[$0.serviceID] == nil && !held.contains($0.serviceID)
            }
            guard let index else { return }
            let control = JobControl(waiting.remove(at: index))
            running[control.job.serviceID] = control
            begin(control, on: loop)
        }
    }

    private func begin(_ control: JobControl, on loop: isolated EventLoop) {
        control.task = LoopTask(on: loop) {
            // Lets the beginner finish: what it notes must be whole before the work looks at it.
            await Task.yield()
            await self.run(control, on: loop)
        }
        if control.ending != .own { control.task?.cancel() }
    }

    private func run(_ control: JobControl, on loop: isolated EventLoop) async {
        await work.run(control, on: loop)
        let service = control.job.serviceID
        if running[service] === control { running[service] = nil }
        startWhatCan(on: loop)
    }
}
