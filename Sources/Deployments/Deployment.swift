public import Domain

/// One attempt to make a service run: a row that is also the queue's entry.
public struct Deployment: Hashable, Sendable {
    /// Names the deployment.
    public let id: DeploymentID
    /// What is deployed.
    public let serviceID: ServiceID
    /// Where it is deployed.
    public let serverID: ServerID
    /// Where it stands.
    public let state: DeploymentState
    /// Why it was made.
    public let trigger: NewDeployment.Trigger
    /// The container image, by reference.
    public let image: String
    /// What a person should know of its state; may be empty.
    public let message: String
    /// When it was asked for.
    public let createdAt: Timestamp
    /// When its row last changed.
    public let updatedAt: Timestamp
}
