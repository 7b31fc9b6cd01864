import Domain
import EventLoops

/// Remembers what shall run here beyond the agent's own life: after a reboot the control plane may be
/// away, and databases need not wait for it.
protocol DesiredMemory: AnyObject {
    /// What was remembered last; nil when nothing was, or it cannot be read.
    func load() async -> [ServiceID: DeploymentID]?
    /// Remembers this in place of what was before.
    func save(_ desired: [ServiceID: DeploymentID], on loop: isolated EventLoop)
}
