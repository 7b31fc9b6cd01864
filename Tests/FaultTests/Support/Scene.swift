import Config
import Cryptography
import EventLoops
import HTTP2
import PostgresClient
import Services
import TestSupport

@testable import ControlPlane

/// One loop of berthd behind the proxy and a client of it, all on the test's own loop: what happens
/// when is up to the test.
final class Scene {
    let stage: Stage
    let server: LoopServer
    let client: CallingClient
    /// Where berthd listens.
    let port: UInt16

    /// The connections to PostgreSQL that berthd may have.
    static let connectionsMax = 4

    /// berthd asks once at the start whether PostgreSQL is there, and never again: nothing of its own
    /// comes between the calls of a test.
    static let unasked: ServeConfiguration.Times = {
        var times = ServeConfiguration.Times()
        times.probeInterval = .seconds(3600)
        return times
    }()

    /// The same, and a call that waits for a connection waits for longer than a test does: what ends its
    /// wait is something else.
    static let patient: ServeConfiguration.Times = {
        var times = Scene.unasked
        times.connectionWaitMax = .seconds(120)
        return times
    }()

    /// Runs `body` in a scene of its own.
    ///
    /// - Parameters:
    ///   - settings: PostgreSQL's, for berthd's connections alone: `name=value`.
    ///   - times: When berthd looks by itself.
    static func play<R: Sendable>(
        cluster: TestPostgres? = nil,
        settings: [String] = [],
        times: ServeConfiguration.Times = Scene.unasked,
        quotas: @escaping @Sendable (inout ServeConfiguration.Quotas) -> Void = { _ in },
        _ body: @escaping @Sendable (isolated EventLoop, Scene) async throws -> R
    ) async throws -> R {
        let cluster = try cluster ?? FaultyCluster.shared()
        return try await onLoop { loop, reactor in
            let scene = try await Scene(Stage(cluster, reactor), settings, times, quotas, loop)
            do {
                // Its one question is answered.
                try await scene.becomesServing()
                try await scene.quiet()
                let result = try await body(loop, scene)
                await scene.end()
                return result
            } catch {
                await scene.end()
                throw error
            }
        }
    }

    private init(
        _ stage: Stage, _ settings: [String], _ times: ServeConfiguration.Times,
        _ quotas: (inout ServeConfiguration.Quotas) -> Void, _ loop: isolated EventLoop
    ) throws {
        self.stage = stage
        let options = settings.map { "-c%20" + $0.split(separator: "=").joined(separator: "%3D") }
        var configuration = try Scene.configuration(
            stage.proxiedURI + "&options=" + options.joined(separator: "%20"), quotas)
        configuration.times = times
        server = try LoopServer(
            configuration, signingKey: try SigningKey.generate(), workers: stage.workers,
            reactor: stage.reactor, logger: Stage.quiet)
        let address = try server.start(on: configuration.address, loop: loop)
        port = address.port
        client = CallingClient(port: port, reactor: stage.reactor)
    }

    private static func configuration(
        _ uri: String, _ change: (inout ServeConfiguration.Quotas) -> Void
    ) throws -> ServeConfiguration {
        guard let address = SocketAddress(host: "127.0.0.1", port: 0) else { throw NeverHappened() }
        var quotas = ServeConfiguration.Quotas()
        quotas.servicesPerWorkspaceMax = 1_000_000
        quotas.deploymentsWaitingPerServerMax = 1_000_000
        quotas.callsPerTokenMax = 1_000_000
        change(&quotas)
        let key = SecretBytes(copying: Tenant.masterKey)
        return ServeConfiguration(
            address: address, databaseURL: uri, sealer: try MasterKeySealer(masterKey: key),
            fingerprinter: try HMACRequestFingerprinter(masterKey: key), loops: 1,
            postgresConnectionsPerLoopMax: connectionsMax,
            catalogue: try DatabaseCatalogue(), quotas: quotas)
    }

    /// Waits until berthd says that it serves, or that it does not.
    /// - Returns: How long that took.
    @discardableResult
    func becomesServing(_ expected: Bool = true) async throws -> Duration {
        try await stage.eventually { try await client.isServing() == expected }
    }

    /// Waits until no call holds or awaits a connection to PostgreSQL, and the pool opens none by
    /// itself: a fault that hit such an attempt would be an outage.
    func quiet() async throws {
        try await stage.eventually {
            let statistics = server.pool.statistics
            return statistics.inUse == 0 && statistics.waiting == 0 && statistics.connecting == 0
        }
    }

    /// The connections to PostgreSQL that berthd has made so far.
    var connects: Int { server.pool.statistics.connects }

    private func end() async {
        stage.proxy.releaseAll()
        client.close()
        await server.drain(grace: .zero)
        await stage.end()
    }
}
