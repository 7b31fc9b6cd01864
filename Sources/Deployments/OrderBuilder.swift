import Domain
import PostgresClient

/// Gathers everything that a service's container needs from the modules that know it.
struct OrderBuilder {
    let services: any DeployableServices
    let config: any DeploymentConfig
    let instances: any InstanceStore
    /// How long the parts of a job may take.
    let timeouts: JobTimeouts

    /// Answers that were asked for and not waited for yet.
    struct Asked {
        let service: Pending<DeployableService?>
        let entries: Pending<[ConfigEntryDraft]>
        let volume: Pending<InstanceVolume?>
    }

    /// Asks for all that an order of the service may need.
    func ask(_ serviceID: ServiceID, _ environmentID: EnvironmentID, in session: Session) -> Asked {
        Asked(
            service: services.find(serviceID, in: session),
            entries: config.effectiveEntries(
                serviceID: serviceID, environmentID: environmentID, in: session),
            volume: instances.volume(of: serviceID, in: session))
    }

    /// The order to make a service run.
    ///
    /// - Throws: ``Problem`` when something that it needs is missing or cannot be read.
    func deploy(_ claimed: Claims.ClaimedDeployment, _ asked: Asked) async throws -> DeployOrder {
        let (service, blueprint) = try await described(asked)
        let entries = try await asked.entries.value()
        guard let volume = try await asked.volume.value() else { throw Problem.noVolume }
        return DeployOrder(
            environmentID: claimed.environmentID, deploymentID: claimed.id, slug: service.slug,
            image: claimed.image,
            pinnedImage: volume.pinnedImage.isEmpty || volume.image != claimed.image
                ? nil : volume.pinnedImage,
            port: service.port, environment: OrderBuilder.environment(entries, blueprint),
            volume: VolumeOrder(
                name: volume.name, mountPath: blueprint.mountPath, dataPath: blueprint.dataPath,
                initialized: volume.initialized,
                systemIdentifier: volume.systemIdentifier.isEmpty ? nil : volume.systemIdentifier),
            limits: blueprint.limits, probe: try OrderBuilder.probe(entries, blueprint.probeKeys),
            timeouts: timeouts)
    }

    /// The order to restart a service.
    ///
    /// - Throws: ``Problem`` as ``deploy(_:_:)``.
    func restart(_ claimed: Claims.ClaimedJob, _ asked: Asked) async throws -> RestartOrder {
        let (service, blueprint) = try await described(asked)
        let identifier = try await asked.volume.value()?.systemIdentifier ?? ""
        return RestartOrder(
            environmentID: claimed.environmentID, port: service.port,
            probe: try OrderBuilder.probe(try await asked.entries.value(), blueprint.probeKeys),
            timeouts: timeouts, systemIdentifier: identifier.isEmpty ? nil : identifier)
    }

    private func described(
        _ asked: Asked
    ) async throws -> (DeployableService, ContainerBlueprint) {
        guard let service = try await asked.service.value(), let blueprint = service.blueprint
        else { throw Problem.noBlueprint }
        return (service, blueprint)
    }

    /// The entries, and where the data lies, whatever an entry says of it.
    static func environment(
        _ entries: [ConfigEntryDraft], _ blueprint: ContainerBlueprint
    ) -> [ConfigEntryDraft] {
        let path = ConfigEntryDraft(
            key: blueprint.dataPathKey, value: .variable(blueprint.dataPath))
        return (entries.filter { $0.key != path.key } + [path]).sorted { $0.key < $1.key }
    }

    /// The credentials among the entries.
    static func probe(
        _ entries: [ConfigEntryDraft], _ keys: ContainerBlueprint.ProbeKeys
    ) throws(Problem) -> LoginProbe {
        let values = Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        guard case .variable(let username) = values[keys.username],
            case .variable(let databaseName) = values[keys.databaseName],
            case .secret(let password) = values[keys.password]
        else { throw Problem.noCredentials }
        return LoginProbe(databaseName: databaseName, username: username, password: password)
    }
}

extension Problem {
    fileprivate static var noVolume: Problem {
        Problem(.internalFault, "it is not known where the service's data lies")
    }
    fileprivate static var noBlueprint: Problem {
        Problem(.failedPrecondition, "the service's template is not in this berthd's catalogue")
    }
    fileprivate static var noCredentials: Problem {
        Problem(.failedPrecondition, "the service's credentials are missing")
    }
}
