import Domain

/// What our things in Docker are called.
///
/// Parts of ids are taken from their ends: those are random, while ids made in the same minute
/// begin alike.
enum DockerNames {
    /// The network on which new data is initialised, where containers cannot reach each other.
    static let initNetwork = "berth-init"
    /// Its bridge, at most 15 characters as any interface.
    static let initBridge = "berth-init"
    /// What every bridge of ours begins with; the firewall's rule is about these.
    static let bridgePrefix = "berth"
    /// The file beside the data that says whose it is.
    static let markerFile = "berth.marker"

    static func network(of environment: EnvironmentID) -> String { "berth-env-\(environment)" }

    static func spare(_ suffix: String) -> String { "berth-spare-\(suffix)" }

    static func bridge(of environment: EnvironmentID) -> String {
        bridgePrefix + "\(environment)".suffix(8)
    }

    static func container(slug: String, deployment: DeploymentID, token: Int64) -> String {
        "berth-\(slug)-\("\(deployment)".suffix(12))-\(token)"
    }
}
