/// A deployment about to be queued.
public struct NewDeployment: Hashable, Sendable {
    /// Why a deployment was made; the names are those of the schema.
    public enum Trigger: String, Sendable {
        /// The create call asked for it.
        case create
        /// A caller deployed a service that had none.
        case deploy
        /// A caller deployed a service again.
        case redeploy
        /// The control plane found the container gone.
        case recover
        /// A caller took the service's deletion back.
        case undelete
    }

    /// Names the deployment.
    public let id: DeploymentID
    /// What is deployed.
    public let serviceID: ServiceID
    /// The environment that the service lies in.
    public let environmentID: EnvironmentID
    /// The workspace that both the service and the server lie in.
    public let workspaceID: WorkspaceID
    /// Where it is deployed.
    public let serverID: ServerID
    /// The container image, by reference.
    public let image: String
    /// Why.
    public let trigger: Trigger
    /// When it was asked for.
    public let at: Timestamp

    /// Makes a deployment.
    public init(
        id: DeploymentID, serviceID: ServiceID, environmentID: EnvironmentID,
        workspaceID: WorkspaceID, serverID: ServerID, image: String, trigger: Trigger, at: Timestamp
    ) {
        self.id = id
        self.serviceID = serviceID
        self.environmentID = environmentID
        self.workspaceID = workspaceID
        self.serverID = serverID
        self.image = image
        self.trigger = trigger
        self.at = at
    }
}
