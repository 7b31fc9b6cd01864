/// How the data of a template's services lies before any of them has used it: agents may initialise
/// volumes of it ahead.
public struct DataLayout: Hashable, Sendable {
    /// The container image, by reference.
    public let image: String
    /// The network port that the service listens on.
    public let port: Int32
    /// Where the volume is mounted in the container.
    public let mountPath: String
    /// Where the data lies: the mount itself or below it.
    public let dataPath: String
    /// What a container may use.
    public let limits: ResourceLimits

    /// Describes a layout.
    public init(
        image: String, port: Int32, mountPath: String, dataPath: String, limits: ResourceLimits
    ) {
        self.image = image
        self.port = port
        self.mountPath = mountPath
        self.dataPath = dataPath
        self.limits = limits
    }
}
