import DockerEngine
import Domain

extension ContainerSpecification {
    /// Sets what every container of ours is held to: its resources, bounded logs, the capabilities to
    /// become an ordinary user and no other, and that only the agent starts it again.
    mutating func confine(to limits: ResourceLimits, stopTimeout: Duration) {
        // The engine knows nothing of who else shares the volume.
        restartPolicy = .never
        resources = ContainerResources(limits)
        logs = LogRetention(
            fileBytesMax: limits.logFileBytesMax > 0
                ? limits.logFileBytesMax : LogRetention().fileBytesMax,
            filesMax: limits.logFilesMax > 0
                ? Int64(limits.logFilesMax) : LogRetention().filesMax)
        capabilities = ContainerPlan.capabilities
        stopSignal = ContainerPlan.stopSignal
        self.stopTimeout = stopTimeout
    }
}

extension ContainerResources {
    /// What an order allows; zero is no limit of ours.
    fileprivate init(_ limits: ResourceLimits) {
        self.init()
        if limits.cpuMillis > 0 { nanoCPUs = Int64(limits.cpuMillis) * 1_000_000 }
        if limits.memoryBytes > 0 {
            memoryBytes = limits.memoryBytes
            // Equal: no swap beyond it.
            memoryAndSwapBytes = limits.memoryBytes
        }
        if limits.pidsMax > 0 { processesMax = Int64(limits.pidsMax) }
        if limits.sharedMemoryBytes > 0 { sharedMemoryBytes = limits.sharedMemoryBytes }
    }
}
