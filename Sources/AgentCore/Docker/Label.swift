/// The labels that Berth puts on what it makes in Docker. Anyone who can list containers reads them:
/// none holds a secret.
enum Label {
    /// The service's id; on containers and volumes.
    static let service = "berth.service"
    /// The environment's id; on containers, volumes and networks.
    static let environment = "berth.environment"
    /// The deployment's id; on containers.
    static let deployment = "berth.deployment"
    /// The fencing token of the job that made the container.
    static let fencingToken = "berth.fencing-token"
    /// The service's host name; on containers.
    static let slug = "berth.slug"
    /// The network port that the service listens on; on containers.
    static let port = "berth.port"
    /// The names of the container's secret variables, parted by commas: their values are redacted
    /// in its logs.
    static let secretNames = "berth.secret-names"
    /// The server's id: agents of two servers may share an engine.
    static let server = "berth.server"
    /// What the thing is for; see ``Role``.
    static let role = "berth.role"

    /// What something of ours in Docker is for.
    enum Role: String {
        /// A service's container.
        case service
        /// A service's volume.
        case data
        /// A volume that is initialised ahead, and the container that does it.
        case spare
        /// An environment's network.
        case environment
        /// The network on which new data is initialised.
        case initialization = "init"
    }

    /// Selects a service's containers.
    static func containers(of service: String) -> [String: String] {
        [role: Role.service.rawValue, Label.service: service]
    }

    /// Selects an environment's containers, of whichever server's agent.
    static func containers(inEnvironment environment: String) -> [String: String] {
        [role: Role.service.rawValue, Label.environment: environment]
    }

    /// Selects everything of a role that a server's agent made.
    static func all(_ role: Role, of server: String) -> [String: String] {
        [Label.role: role.rawValue, Label.server: server]
    }
}
