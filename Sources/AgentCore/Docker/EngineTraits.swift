import DockerEngine

/// What of an engine a container has to be fitted to.
struct EngineTraits: Equatable {
    let isPodman: Bool
    /// The processors that it knows of.
    let processors: Int64
}

extension ContainerSpecification {
    /// Nobody: an address for documentation (RFC 5737), to which an internal network has no route.
    static let unreachableNameServer = "192.0.2.1"

    /// The container as that engine takes it, and as nothing gets out of it.
    func fitted(to engine: EngineTraits) -> ContainerSpecification {
        var container = self
        // Docker asks the machine's resolver by itself, out of whatever network, if that listens on
        // loopback (CVE-2024-29018). Podman with a resolver named finds no sibling any more.
        if !engine.isPodman { container.nameServers = [Self.unreachableNameServer] }
        // Docker refuses more than there are.
        if let wanted = resources.nanoCPUs, engine.processors > 0 {
            container.resources.nanoCPUs = min(wanted, engine.processors * 1_000_000_000)
        }
        return container
    }
}
