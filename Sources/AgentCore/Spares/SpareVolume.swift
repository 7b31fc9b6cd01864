import DockerEngine
import Domain

/// A volume whose PostgreSQL is initialised for whoever comes. Holds its password: never shown.
struct SpareVolume: Equatable {
    /// The volume's name in the engine.
    let name: String
    let layout: DataLayout
    /// The image that initialised it.
    let imageID: String
    /// How to log in until the data is handed over.
    let owner: LoginProbe
    /// PostgreSQL's, to be met again.
    let systemIdentifier: String
}

/// Writes down the volume and the container that initialises it. Pure.
struct SparePlan {
    /// The role and the database, until they get their real names.
    static let placeholder = "berth_spare"

    let layout: DataLayout
    let serverID: ServerID
    /// Random, so that no two of any time share a name.
    let suffix: String
    let password: SecretText

    /// The name of both.
    var name: String { DockerNames.spare(suffix) }
    var labels: [String: String] { Label.all(.spare, of: "\(serverID)") }

    var owner: LoginProbe {
        LoginProbe(
            databaseName: SparePlan.placeholder, username: SparePlan.placeholder,
            password: password)
    }

    /// The container on the network for initialising, as a service's first one.
    func container(imageID: String, stopTimeout: Duration) -> ContainerSpecification {
        var container = ContainerSpecification(name: name, image: imageID)
        container.environment = [
            PostgresVariable.username: owner.username,
            PostgresVariable.password: password.revealed,
            PostgresVariable.databaseName: owner.databaseName,
            PostgresVariable.dataPath: layout.dataPath,
        ]
        container.labels = labels
        container.labels[Label.secretNames] = PostgresVariable.password
        container.mounts = [VolumeMount(volume: name, path: layout.mountPath)]
        container.network = NetworkAttachment(network: DockerNames.initNetwork)
        container.confine(to: layout.limits, stopTimeout: stopTimeout)
        return container
    }
}

/// The variables by which the image is told what to initialise.
enum PostgresVariable {
    static let username = "POSTGRES_USER"
    static let password = "POSTGRES_PASSWORD"
    static let databaseName = "POSTGRES_DB"
    static let dataPath = "PGDATA"

    /// Whether what the image initialises may depend on a variable of this name.
    static func mayShapeData(_ name: String) -> Bool {
        name.hasPrefix("POSTGRES_") || name.hasPrefix("PG") || name.hasPrefix("LC_")
            || name.hasPrefix("LANG") || name == "TZ"
    }
}

extension DeployOrder {
    /// Whether the data that this order asks for differs from a spare volume's by names and
    /// password only.
    var takesSpare: Bool {
        var variables: [String: String] = [:]
        for entry in environment where PostgresVariable.mayShapeData(entry.key) {
            switch entry.value {
            case .variable(let text): variables[entry.key] = text
            case .secret(let text): variables[entry.key] = text.revealed
            }
        }
        variables[PostgresVariable.dataPath] = nil
        let credentials = [
            PostgresVariable.username: probe.username,
            PostgresVariable.password: probe.password.revealed,
            PostgresVariable.databaseName: probe.databaseName,
        ]
        // That database is there already, and cannot get its name from another.
        return variables == credentials && probe.databaseName != PostgresHandOver.databaseName
    }

    /// Whether a spare volume's data lies as this order's shall.
    func fits(_ spare: SpareVolume, imageID: String) -> Bool {
        spare.imageID == imageID && spare.layout.mountPath == volume.mountPath
            && spare.layout.dataPath == volume.dataPath && spare.layout.port == port
    }
}
