import BerthMessages
import Domain
import StandardMessages

extension AgentV1.JobReference {
    init(_ reference: JobReference) {
        self.init()
        jobID = reference.jobID.description
        fencingToken = reference.fencingToken
    }
}

extension AgentV1.Job {
    /// The part of a job that does not depend on its stream; empty for what is no job.
    init(_ message: ControlMessage) {
        self.init()
        switch message {
        case .job(let job):
            reference = AgentV1.JobReference(job.reference)
            serviceID = job.serviceID.description
            kind = Kind(job.kind)
        case .desired(let services, let layouts):
            var state = AgentV1.DesiredState()
            state.services = services.map { AgentV1.DesiredService($0) }
            state.layouts = layouts.map { AgentV1.DataLayout($0) }
            kind = .desiredState(state)
        case .logs(let request):
            serviceID = request.serviceID.description
            var logs = AgentV1.LogsJob()
            logs.requestID = request.tailID
            logs.tailLines = request.tailLines
            logs.follow = request.follow
            kind = .logs(logs)
        case .stopLogs(let tailID, let service):
            serviceID = service.description
            var logs = AgentV1.LogsJob()
            logs.requestID = tailID
            logs.stop = true
            kind = .logs(logs)
        case .welcome, .heartbeatAck: break
        }
    }
}

extension AgentV1.DesiredService {
    fileprivate init(_ service: DesiredService) {
        self.init()
        serviceID = service.serviceID.description
        deploymentID = service.deploymentID.description
    }
}

extension AgentV1.DataLayout {
    fileprivate init(_ layout: DataLayout) {
        self.init()
        image = layout.image
        port = layout.port
        mountPath = layout.mountPath
        dataPath = layout.dataPath
        limits = AgentV1.ResourceLimits(layout.limits)
    }
}

extension AgentV1.Job.Kind {
    fileprivate init(_ kind: AgentJob.Kind) {
        switch kind {
        case .deploy(let order): self = .deploy(AgentV1.DeployJob(order))
        case .restart(let order): self = .restart(AgentV1.RestartJob(order))
        case .teardown(let order):
            var job = AgentV1.TeardownJob()
            job.environmentID = order.environmentID.description
            job.stopTimeout = GoogleProtobuf.Duration(order.timeouts.stop)
            self = .teardown(job)
        case .purge(let volumeName, let environmentID):
            var job = AgentV1.PurgeJob()
            job.volumeName = volumeName
            job.environmentID = environmentID?.description ?? ""
            self = .purge(job)
        case .cancel: self = .cancel(AgentV1.CancelJob())
        }
    }
}

extension AgentV1.DeployJob {
    fileprivate init(_ order: DeployOrder) {
        self.init()
        environmentID = order.environmentID.description
        deploymentID = order.deploymentID.description
        slug = order.slug
        image = order.image
        pinnedImage = order.pinnedImage ?? ""
        port = order.port
        environment = order.environment.map { AgentV1.EnvironmentVariable($0) }
        volume = AgentV1.Volume(order.volume)
        limits = AgentV1.ResourceLimits(order.limits)
        probe = AgentV1.LoginProbe(order.probe)
        pullTimeout = GoogleProtobuf.Duration(order.timeouts.pull)
        startTimeout = GoogleProtobuf.Duration(order.timeouts.start)
        stopTimeout = GoogleProtobuf.Duration(order.timeouts.stop)
    }
}

extension AgentV1.RestartJob {
    fileprivate init(_ order: RestartOrder) {
        self.init()
        environmentID = order.environmentID.description
        port = order.port
        probe = AgentV1.LoginProbe(order.probe)
        startTimeout = GoogleProtobuf.Duration(order.timeouts.start)
        stopTimeout = GoogleProtobuf.Duration(order.timeouts.stop)
        systemIdentifier = order.systemIdentifier ?? ""
    }
}

extension AgentV1.EnvironmentVariable {
    fileprivate init(_ entry: ConfigEntryDraft) {
        self.init()
        name = entry.key
        switch entry.value {
        case .variable(let text): value = text
        case .secret(let text):
            value = text.revealed
            secret = true
        }
    }
}

extension AgentV1.Volume {
    fileprivate init(_ order: VolumeOrder) {
        self.init()
        name = order.name
        mountPath = order.mountPath
        dataPath = order.dataPath
        initialized = order.initialized
        systemIdentifier = order.systemIdentifier ?? ""
    }
}

extension AgentV1.ResourceLimits {
    fileprivate init(_ limits: ResourceLimits) {
        self.init()
        cpuMillis = limits.cpuMillis
        memoryBytes = limits.memoryBytes
        pidsMax = limits.pidsMax
        logFileBytesMax = limits.logFileBytesMax
        logFilesMax = limits.logFilesMax
        sharedMemoryBytes = limits.sharedMemoryBytes
    }
}

extension AgentV1.LoginProbe {
    fileprivate init(_ probe: LoginProbe) {
        self.init()
        databaseName = probe.databaseName
        username = probe.username
        password = probe.password.revealed
    }
}
