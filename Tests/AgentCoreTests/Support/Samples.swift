import DockerEngine
import Domain
import EventLoops
import Logging

@testable import AgentCore

/// Ids and orders that tests share.
enum Sample {
    static let server = id("018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a01", as: ServerID.self)
    static let service = id("018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a02", as: ServiceID.self)
    static let environment = id("018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a03", as: EnvironmentID.self)
    static let deployment = id("018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a04", as: DeploymentID.self)
    static let otherDeployment = id("018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a05", as: DeploymentID.self)
    static let password = "s3cret'\\pass"

    static func id<Kind>(_ text: String, as type: Identifier<Kind>.Type) -> Identifier<Kind> {
        Identifier<Kind>(text) ?? Identifier<Kind>(high: 0, low: 0)
    }

    static func reference(
        _ token: Int64, _ deployment: DeploymentID = Sample.deployment
    ) -> JobReference {
        JobReference(
            jobID: JobID(high: deployment.high, low: deployment.low), fencingToken: token)
    }

    static func identity(
        _ token: Int64, _ deployment: DeploymentID = Sample.deployment
    ) -> JobIdentity {
        JobIdentity(reference: reference(token, deployment), serviceID: service)
    }

    /// - Parameter start: Short only where running into it is what is wanted.
    static func order(
        _ deployment: DeploymentID = Sample.deployment, initialized: Bool = false,
        identifier: String? = nil, start: Duration = .seconds(60)
    ) -> DeployOrder {
        DeployOrder(
            environmentID: environment, deploymentID: deployment, slug: "db", image: "postgres:16",
            pinnedImage: nil, port: 5432,
            environment: [
                ConfigEntryDraft(key: "POSTGRES_DB", value: .variable("app")),
                ConfigEntryDraft(
                    key: "POSTGRES_PASSWORD", value: .secret(SecretText(password))),
                ConfigEntryDraft(key: "POSTGRES_USER", value: .variable("app")),
            ],
            volume: VolumeOrder(
                name: "berth-data-1", mountPath: "/var/lib/postgresql/data",
                dataPath: "/var/lib/postgresql/data/pgdata", initialized: initialized,
                systemIdentifier: identifier),
            limits: ResourceLimits(
                cpuMillis: 1500, memoryBytes: 512 << 20, pidsMax: 256,
                logFileBytesMax: 1 << 20, logFilesMax: 2, sharedMemoryBytes: 64 << 20),
            probe: LoginProbe(
                databaseName: "app", username: "app", password: SecretText(password)),
            timeouts: JobTimeouts(
                pull: .seconds(5), start: start, stop: .seconds(10)))
    }

    static func restart(
        _ identifier: String? = nil, start: Duration = .seconds(60)
    ) -> RestartOrder {
        RestartOrder(
            environmentID: environment, port: 5432, probe: order().probe,
            timeouts: order(start: start).timeouts, systemIdentifier: identifier)
    }

    static func jobs(_ engine: FakeEngine, _ reactor: Reactor) -> OtherJobs {
        let tools = tools(engine, reactor)
        return OtherJobs(
            engine: engine, starts: tools.starts, verification: tools.verification,
            networks: tools.networks)
    }

    static func tools(
        _ engine: FakeEngine, _ reactor: Reactor, _ spares: SpareVolumes? = nil
    ) -> DeployRun.Tools {
        DeployRun.Tools(
            engine: engine, starts: GuardedStarts(engine: engine),
            verification: Verification(
                engine: engine, prober: FakeProber(engine), reactor: reactor),
            networks: EnvironmentNetworks(engine: engine), serverID: server, spares: spares)
    }

    static let layout = DataLayout(
        image: "postgres:16", port: 5432, mountPath: "/var/lib/postgresql/data",
        dataPath: "/var/lib/postgresql/data/pgdata", limits: order().limits)

    /// Spare volumes of ``layout``, not filled yet: that is for the test to do, and for no timer.
    static func spares(
        _ engine: FakeEngine, _ reactor: Reactor, count: Int = 2,
        mayWork: @escaping () -> Bool = { true }, logger: Logger = silence,
        on loop: isolated EventLoop
    ) -> SpareVolumes {
        let spares = SpareVolumes(
            count: count,
            tools: SpareVolumes.Tools(
                engine: engine,
                verification: Verification(
                    engine: engine, prober: FakeProber(engine), reactor: reactor),
                networks: EnvironmentNetworks(engine: engine), serverID: server, logger: logger,
                mayWork: mayWork, fillPause: .seconds(3600)))
        spares.replaceLayouts([layout], on: loop)
        return spares
    }

    static func run(
        _ engine: FakeEngine, _ reactor: Reactor, token: Int64, order: DeployOrder = order(),
        previous: DeploymentID? = nil, spares: SpareVolumes? = nil,
        tools: DeployRun.Tools? = nil, tell: @escaping DeployRun.Tell = { _, _, _ in }
    ) -> DeployRun {
        DeployRun(
            order: order, job: identity(token, order.deploymentID), previous: previous,
            tools: tools ?? Sample.tools(engine, reactor, spares), tell: tell)
    }

    static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
