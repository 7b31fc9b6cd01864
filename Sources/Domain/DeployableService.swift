/// What a deployment must know of its service.
public struct DeployableService: Hashable, Sendable {
    /// Names the service.
    public let id: ServiceID
    /// The workspace it lies in.
    public let workspaceID: WorkspaceID
    /// The environment it lies in.
    public let environmentID: EnvironmentID
    /// The server it is meant for; `nil` until it is known.
    public let serverID: ServerID?
    /// Whether it is a tombstone.
    public let isDeleted: Bool
    /// Its host name on the environment's network.
    public let slug: String
    /// The container image, by reference.
    public let image: String
    /// The network port it listens on inside the environment.
    public let port: Int32
    /// What its template says of the container; `nil` when no template of the catalogue does.
    public let blueprint: ContainerBlueprint?

    /// Describes a service.
    public init(
        id: ServiceID, workspaceID: WorkspaceID, environmentID: EnvironmentID,
        serverID: ServerID?, isDeleted: Bool, slug: String, image: String, port: Int32,
        blueprint: ContainerBlueprint?
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.environmentID = environmentID
        self.serverID = serverID
        self.isDeleted = isDeleted
        self.slug = slug
        self.image = image
        self.port = port
        self.blueprint = blueprint
    }
}

/// What a template says of its containers.
public struct ContainerBlueprint: Hashable, Sendable {
    /// Where the volume is mounted in the container.
    public let mountPath: String
    /// Where the data lies, below the mount.
    public let dataPath: String
    /// The variable that tells the container where its data lies, such as `PGDATA`.
    public let dataPathKey: String
    /// What a container may use.
    public let limits: ResourceLimits
    /// The config entries that hold the credentials which prove that the container serves.
    public let probeKeys: ProbeKeys

    /// The keys of the config entries of a ``LoginProbe``.
    public struct ProbeKeys: Hashable, Sendable {
        /// Holds the user's name.
        public let username: String
        /// Holds the password.
        public let password: String
        /// Holds the database's name.
        public let databaseName: String

        /// Names the keys.
        public init(username: String, password: String, databaseName: String) {
            self.username = username
            self.password = password
            self.databaseName = databaseName
        }
    }

    /// Describes a template's containers.
    public init(
        mountPath: String, dataPath: String, dataPathKey: String, limits: ResourceLimits,
        probeKeys: ProbeKeys
    ) {
        self.mountPath = mountPath
        self.dataPath = dataPath
        self.dataPathKey = dataPathKey
        self.limits = limits
        self.probeKeys = probeKeys
    }
}
