import EventLoops
import Glibc
import Logging
import PostgresClient
import TestSupport

@testable import ControlPlane

/// What every scene needs: a database of its own, the proxy in front of it and a way past it.
final class Stage {
    let reactor: Reactor
    let tenant: Tenant
    let proxy: FaultProxy
    /// Past the proxy, for looking.
    let direct: ConnectionPool
    /// The address that leads to PostgreSQL itself.
    let uri: String
    /// The address that leads through the proxy.
    let proxiedURI: String
    /// What berthd seals with when it is a process of its own.
    let masterKeyFile: String
    let workers: WorkerPool

    static let quiet = Logger(label: "quiet", factory: { _ in SwiftLogNoOpLogHandler() })

    init(_ cluster: TestPostgres, _ reactor: Reactor) async throws {
        self.reactor = reactor
        uri = try cluster.freshDatabase()
        workers = try sharedWorkers()
        var configuration = PoolConfiguration(uri: uri)
        configuration.applicationName = "looking"
        direct = try ConnectionPool(
            reactor: reactor, workers: workers, configuration: configuration, logger: Stage.quiet)
        tenant = try await Tenant.make(direct)
        proxy = try FaultProxy(serverFolder: cluster.socketFolder, reactor: reactor)
        masterKeyFile = "\(proxy.folder)/master.key"
        try MasterKeyFile.generate(at: masterKeyFile)
        let database = uri.dropFirst("postgresql:///".count).prefix { $0 != "?" }
        proxiedURI = "postgresql:///\(database)?host=\(proxy.folder)&port=5432&user=berth"
    }

    func end() async {
        unlink(masterKeyFile)
        proxy.close()
        await direct.close()
    }

    /// Waits until `condition` holds, for as long as a busy machine may take.
    /// - Returns: How long that took.
    @discardableResult
    func eventually(
        within durationMax: Duration = .seconds(60), line: UInt = #line,
        _ condition: () async throws -> Bool
    ) async throws -> Duration {
        let began = Instant.now()
        let end = began.advanced(by: durationMax)
        while try await !condition() {
            guard Instant.now() < end else { throw NeverHappened(line: line) }
            try await reactor.sleep(for: .milliseconds(1))
        }
        return began.duration(to: .now())
    }
}

/// A condition did not come to hold in time.
struct NeverHappened: Error {
    /// Where it was awaited.
    var line: UInt = #line
}
