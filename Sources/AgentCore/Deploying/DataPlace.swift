import DockerEngine
import Domain

/// Where a service's data lies in a container of its own, and by what it is recognised.
struct DataPlace: Equatable {
    /// Whose it is.
    let service: ServiceID
    /// The volume's name in the engine.
    let volumeName: String
    /// Where the volume is mounted.
    let mountPath: String
    /// PostgreSQL's data folder: the mount or below it.
    let dataPath: String

    /// What is there.
    enum Finding {
        /// The service's data.
        case whole
        /// Nothing that is marked as anybody's.
        case unmarked
        /// The mark of another service.
        case foreign
        /// The service's mark, and a data folder that the image would initialise.
        case empty
    }

    /// The path of the file that says whose data it is.
    var markerPath: String { "\(mountPath)/\(DockerNames.markerFile)" }
    /// What that file holds.
    var marker: [UInt8] { Array("\(service)\n".utf8) }
    /// The file without which PostgreSQL's data folder is none, and would be initialised.
    var versionPath: String { "\(dataPath)/PG_VERSION" }

    /// Looks by a container, which need not run.
    func look(in container: String, of engine: any ContainerEngine) async throws -> Finding {
        guard let found = try await engine.readFile(markerPath, in: container) else {
            return .unmarked
        }
        guard found == marker else { return .foreign }
        return try await engine.readFile(versionPath, in: container) == nil ? .empty : .whole
    }

    /// Why a container must not be started over what was found; nil when it may.
    func obstacle(_ finding: Finding) -> JobFailed? {
        switch finding {
        case .whole: nil
        case .unmarked:
            JobFailed(.dataMissing, "The volume \(volumeName) holds no data of the service.")
        case .foreign:
            JobFailed(
                .wrongData, "The volume \(volumeName) is marked as another service's.")
        case .empty:
            JobFailed(
                .dataMissing,
                "The volume \(volumeName) is marked as the service's, and its data folder is "
                    + "empty.")
        }
    }
}

extension DataPlace {
    /// Where the data lies in a container that exists, by its label, its environment and its mounts;
    /// nil when it mounts no volume for it.
    init?(_ details: EngineContainerDetails) {
        guard let service = details.labels[Label.service].flatMap({ ServiceID($0) }),
            let dataPath = details.environment[PostgresVariable.dataPath]
        else { return nil }
        // An image may declare a volume of its own at a folder above: the innermost counts.
        let mount = details.mounts
            .filter { isDataPath(dataPath, inMount: $0.path) }
            .max { $0.path.utf8.count < $1.path.utf8.count }
        guard let mount else { return nil }
        self.init(
            service: service, volumeName: mount.volume, mountPath: mount.path, dataPath: dataPath)
    }
}
