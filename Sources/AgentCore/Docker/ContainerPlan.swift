import DockerEngine
import Domain

/// Writes down the container, network and volume that a job asks for. Pure: the same job gives the
/// same plan.
struct ContainerPlan {
    /// The capabilities with which an image's first process, as root, takes over its data folder and
    /// then becomes an ordinary user.
    static let capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]
    /// PostgreSQL's "fast shutdown": sessions are ended, nothing is lost.
    static let stopSignal = "SIGINT"

    let order: DeployOrder
    let job: JobIdentity
    let serverID: ServerID

    /// The container's name; each claim of the job has its own.
    var containerName: String {
        DockerNames.container(
            slug: order.slug, deployment: order.deploymentID, token: job.reference.fencingToken)
    }

    /// The container on the network for initialising, where it proves itself before it joins its
    /// environment's.
    func container(imageID: String) -> ContainerSpecification {
        var container = ContainerSpecification(name: containerName, image: imageID)
        container.environment = environment
        container.labels = labels
        container.mounts = [
            VolumeMount(volume: order.volume.name, path: order.volume.mountPath)
        ]
        container.network = NetworkAttachment(network: DockerNames.initNetwork)
        container.confine(to: order.limits, stopTimeout: order.timeouts.stop)
        return container
    }

    /// The container's place among its siblings: they find it by the slug.
    var attachment: NetworkAttachment {
        NetworkAttachment(
            network: DockerNames.network(of: order.environmentID), aliases: [order.slug])
    }

    /// The environment's network: no way out of it, none into it from elsewhere.
    var network: NetworkSpecification {
        NetworkSpecification(
            name: DockerNames.network(of: order.environmentID),
            labels: [
                Label.environment: "\(order.environmentID)", Label.server: "\(serverID)",
                Label.role: Label.Role.environment.rawValue,
            ],
            isInternal: true,
            options: [
                "com.docker.network.bridge.name": DockerNames.bridge(of: order.environmentID)
            ])
    }

    /// The network for initialising: as an environment's, and its containers do not reach each other.
    static let initNetwork = NetworkSpecification(
        name: DockerNames.initNetwork, labels: [Label.role: Label.Role.initialization.rawValue],
        isInternal: true,
        options: [
            "com.docker.network.bridge.name": DockerNames.initBridge,
            "com.docker.network.bridge.enable_icc": "false",
        ])

    /// The volume's labels.
    var volumeLabels: [String: String] {
        [
            Label.service: "\(job.serviceID)", Label.environment: "\(order.environmentID)",
            Label.server: "\(serverID)", Label.role: Label.Role.data.rawValue,
        ]
    }

    /// Where the data lies in the container.
    var place: DataPlace {
        DataPlace(
            service: job.serviceID, volumeName: order.volume.name,
            mountPath: order.volume.mountPath, dataPath: order.volume.dataPath)
    }

    /// What may be shown nowhere.
    var redactor: SecretRedactor {
        SecretRedactor(
            linesToo: order.environment.compactMap { entry -> String? in
                if case .secret(let text) = entry.value { text.revealed } else { nil }
            } + [order.probe.password.revealed])
    }

    private var environment: [String: String] {
        var environment: [String: String] = [:]
        for entry in order.environment {
            switch entry.value {
            case .variable(let text): environment[entry.key] = text
            case .secret(let text): environment[entry.key] = text.revealed
            }
        }
        environment[PostgresVariable.dataPath] = order.volume.dataPath
        return environment
    }

    private var labels: [String: String] {
        let secretNames = order.environment.compactMap { entry -> String? in
            if case .secret = entry.value { entry.key } else { nil }
        }
        return [
            Label.service: "\(job.serviceID)", Label.environment: "\(order.environmentID)",
            Label.deployment: "\(order.deploymentID)",
            Label.fencingToken: "\(job.reference.fencingToken)", Label.slug: order.slug,
            Label.server: "\(serverID)", Label.role: Label.Role.service.rawValue,
            Label.port: "\(order.port)",
            Label.secretNames: secretNames.sorted().joined(separator: ","),
        ]
    }
}

/// A job and whose it is.
struct JobIdentity: Hashable, Sendable {
    let reference: JobReference
    let serviceID: ServiceID
}
