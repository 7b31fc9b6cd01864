import BerthMessages
import DockerEngine
import Domain
import EventLoops
import Messages
import StandardMessages

/// What of ours is in Docker. Pure: turns it into what to start and what to tell.
struct Surveyed {
    /// When the look began: what a job did since is not in it.
    var begunAt = Instant.now()
    var containers: [EngineContainerDetails] = []
    var volumes: [EngineVolume] = []
    /// The names of environments' networks with the environments of their labels.
    var networks: [String] = []

    /// A service's container, by its labels.
    struct Kept {
        let service: ServiceID
        let deployment: DeploymentID
        let details: EngineContainerDetails

        /// Nil for a container whose labels are not whole.
        init?(_ details: EngineContainerDetails) {
            guard let service = details.labels[Label.service].flatMap({ ServiceID($0) }),
                let deployment = details.labels[Label.deployment].flatMap({ DeploymentID($0) })
            else { return nil }
            self.service = service
            self.deployment = deployment
            self.details = details
        }

        var fencingToken: Int64 { details.labels[Label.fencingToken].flatMap { Int64($0) } ?? 0 }

        var isActive: Bool {
            EngineContainer(id: "", name: "", labels: [:], status: details.status).isActive
        }
    }

    /// One container a service: the one that shall run, else one that does, else the newest.
    func chosen(_ desired: [ServiceID: DeploymentID]) -> [ServiceID: Kept] {
        var result: [ServiceID: Kept] = [:]
        for kept in containers.compactMap({ Kept($0) }) {
            guard let rival = result[kept.service] else {
                result[kept.service] = kept
                continue
            }
            let rank = { (kept: Kept) in
                (
                    desired[kept.service] == kept.deployment ? 1 : 0, kept.isActive ? 1 : 0,
                    kept.fencingToken
                )
            }
            if rank(kept) > rank(rival) { result[kept.service] = kept }
        }
        return result
    }

    /// The containers to start: those that shall run, and do not, while nothing else of their
    /// service does: two postmasters never share a volume.
    func startable(_ desired: [ServiceID: DeploymentID]) -> [Kept] {
        let active = Set(containers.compactMap { Kept($0) }.filter(\.isActive).map(\.service))
        return chosen(desired).values.filter {
            desired[$0.service] == $0.deployment && !active.contains($0.service)
        }
    }

    /// The inventory to report.
    ///
    /// The control plane takes one that names nothing as news that there is nothing, so that a part of
    /// one would be worse than none: it is made smaller by what nobody needs, and never cut.
    ///
    /// - Parameter isBusy: Whether a job of the service runs.
    /// - Parameter restarts: How often we started a service's container again.
    /// - Parameter doubt: Why a container that runs does not count as running, by its id.
    /// - Parameter refusal: Why a container must not be started, by its id.
    /// - Returns: Nil when it would be larger than the control plane takes.
    func inventory(
        _ desired: [ServiceID: DeploymentID], isBusy: (ServiceID) -> Bool,
        restarts: (ServiceID) -> Int32, doubt: (String) -> String? = { _ in nil },
        refusal: (String) -> String? = { _ in nil }
    ) -> AgentV1.Inventory? {
        let whole = wholeInventory(
            desired, isBusy: isBusy, restarts: restarts, doubt: doubt, refusal: refusal)
        return InventorySize.fitted(whole)
    }

    private func wholeInventory(
        _ desired: [ServiceID: DeploymentID], isBusy: (ServiceID) -> Bool,
        restarts: (ServiceID) -> Int32, doubt: (String) -> String?,
        refusal: (String) -> String?
    ) -> AgentV1.Inventory {
        .with {
            $0.containers = chosen(desired).values.sorted { $0.details.name < $1.details.name }
                .map { kept in
                    Surveyed.observed(
                        kept, isWanted: desired[kept.service] == kept.deployment,
                        restarts: restarts(kept.service), doubt: doubt(kept.details.id),
                        refusal: refusal(kept.details.id))
                }
            let orphans = orphans(desired, isBusy: isBusy)
            $0.orphans = orphans.containers + orphans.volumes + orphans.networks
            $0.volumes = orphans.volumes.map { name in .with { $0.name = name } }
            $0.surveyAge = GoogleProtobuf.Duration(begunAt.duration(to: Instant.now()))
        }
    }

    /// The names of what belongs to nothing that shall run, each kind in order: the same ones are named
    /// at every look, also where they do not all fit.
    private func orphans(
        _ desired: [ServiceID: DeploymentID], isBusy: (ServiceID) -> Bool
    ) -> (containers: [String], volumes: [String], networks: [String]) {
        func isOrphan(_ service: String?, _ deployment: String?) -> Bool {
            guard let id = service.flatMap({ ServiceID($0) }) else { return true }
            if isBusy(id) { return false }
            guard let wanted = desired[id] else { return true }
            return deployment.map { $0 != "\(wanted)" } ?? false
        }
        let containers = containers.filter {
            isOrphan($0.labels[Label.service], $0.labels[Label.deployment] ?? "")
        }
        let volumes = volumes.filter { isOrphan($0.labels[Label.service], nil) }
        let used = Set(self.containers.compactMap { $0.labels[Label.environment] })
        let empty = networks.filter { network in
            !used.contains { network == "berth-env-\($0)" }
        }
        return (containers.map(\.name).sorted(), volumes.map(\.name).sorted(), empty.sorted())
    }

    private static func observed(
        _ kept: Kept, isWanted: Bool, restarts: Int32, doubt: String?, refusal: String?
    ) -> AgentV1.ObservedContainer {
        let details = kept.details
        return .with {
            $0.serviceID = "\(kept.service)"
            $0.deploymentID = "\(kept.deployment)"
            $0.fencingToken = kept.fencingToken
            switch details.status {
            // Not proven to serve: on its way to that, as one that is started again.
            case .running: $0.state = doubt == nil ? .running : .restarting
            // Nothing of it answers, and nobody here will let it go on.
            case .paused: $0.state = .exited
            case .restarting: $0.state = .restarting
            default: $0.state = isWanted && refusal == nil ? .restarting : .exited
            }
            let refusal = kept.isActive ? nil : refusal
            $0.message = refusal ?? message(details, doubt)
            let ofEngine = Int64(Int32(clamping: details.restartCount))
            $0.restartCount = Int32(clamping: Int64(restarts) + ofEngine)
            $0.startTime = details.startedAt.flatMap { RFC3339.time($0) }
                .map { GoogleProtobuf.Timestamp($0) }
        }
    }

    private static func message(_ details: EngineContainerDetails, _ doubt: String?) -> String {
        switch details.status {
        case .running: doubt.map { "runs, and \($0)" } ?? "running"
        case .created: "made and not started"
        case .exited, .dead, .restarting:
            "exited with code \(details.exitCode)"
                + (details.wasOutOfMemory ? ", out of memory" : "")
        case .paused: "paused"
        case .removing: "being removed"
        case .unknown: "in a state that is not known"
        }
    }
}
