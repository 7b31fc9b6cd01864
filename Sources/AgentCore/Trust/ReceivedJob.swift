import BerthMessages
import Domain
import StandardMessages

/// A job as the agent works with it: every id parsed, nothing missing.
enum ReceivedJob: Equatable {
    /// Work on a service, under a fencing token.
    case work(AgentJob)
    /// A request for logs, which changes nothing.
    case logs(LogOrder)
    /// What shall run on this server: services with their deployments; and of which layouts volumes
    /// may be initialised ahead.
    case desired([ServiceID: DeploymentID], layouts: [DataLayout])

    /// Whose it is; nil for what is about no service's state.
    var identity: JobIdentity? {
        guard case .work(let job) = self else { return nil }
        return JobIdentity(reference: job.reference, serviceID: job.serviceID)
    }

    /// Reads a message; nil when something is missing or is not what it should be.
    init?(_ job: AgentV1.Job) {
        switch job.kind {
        case .logs(let logs):
            guard let order = LogOrder(logs, serviceID: job.serviceID) else { return nil }
            self = .logs(order)
        case .desiredState(let state):
            guard let services = ReceivedJob.services(of: state) else { return nil }
            // A layout that is not in order is one less, and no reason to stop working.
            self = .desired(services, layouts: state.layouts.compactMap { DataLayout($0) })
        default:
            guard let service = ServiceID(job.serviceID), let kind = AgentJob.Kind(job),
                let reference = job.reference.flatMap({ JobReference($0) })
            else { return nil }
            self = .work(AgentJob(reference: reference, serviceID: service, kind: kind))
        }
    }

    private static func services(of state: AgentV1.DesiredState) -> [ServiceID: DeploymentID]? {
        var services: [ServiceID: DeploymentID] = [:]
        for service in state.services {
            guard let id = ServiceID(service.serviceID),
                let deployment = DeploymentID(service.deploymentID)
            else { return nil }
            services[id] = deployment
        }
        return services
    }
}

/// A request for a service's logs.
struct LogOrder: Equatable {
    /// What is asked.
    enum Kind: Equatable {
        /// The last lines, and those to come if `follows`.
        case start(tailLines: Int, follows: Bool)
        /// No more of it.
        case stop
    }

    /// More are never read back.
    static let tailLinesMax = 10_000
    /// The bytes of a request's name; the control plane makes shorter ones.
    static let requestIDBytesMax = 128

    let requestID: String
    let serviceID: ServiceID?
    let kind: Kind

    init?(_ message: AgentV1.LogsJob, serviceID: String) {
        guard !message.requestID.isEmpty,
            message.requestID.utf8.count <= LogOrder.requestIDBytesMax
        else { return nil }
        requestID = message.requestID
        self.serviceID = ServiceID(serviceID)
        if message.stop {
            kind = .stop
        } else {
            guard self.serviceID != nil, message.tailLines >= 0 else { return nil }
            kind = .start(
                tailLines: min(Int(message.tailLines), LogOrder.tailLinesMax),
                follows: message.follow)
        }
    }
}

extension AgentJob.Kind {
    /// Reads the work that a message asks for; nil when it asks for none, or not well.
    init?(_ job: AgentV1.Job) {
        switch job.kind {
        case .deploy(let message):
            guard let order = DeployOrder(message) else { return nil }
            self = .deploy(order)
        case .restart(let message):
            guard let order = RestartOrder(message) else { return nil }
            self = .restart(order)
        case .teardown(let message):
            guard let environment = EnvironmentID(message.environmentID),
                let stop = message.stopTimeout.flatMap({ Duration($0) })
            else { return nil }
            self = .teardown(
                TeardownOrder(
                    environmentID: environment,
                    timeouts: JobTimeouts(pull: .zero, start: .zero, stop: stop)))
        case .purge(let message):
            guard isVolumeName(message.volumeName) else { return nil }
            self = .purge(
                volumeName: message.volumeName,
                environmentID: EnvironmentID(message.environmentID))
        case .cancel: self = .cancel
        case .logs, .desiredState, nil: return nil
        }
    }
}
