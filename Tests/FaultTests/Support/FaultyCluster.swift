import Agents
import Auth
import Config
import Domain
import PostgresClient
import TestSupport
import Workspaces

@testable import ControlPlane

/// The cluster of this target, apart from the one that others share: its backends are killed.
enum FaultyCluster {
    /// Starts it for the first who asks.
    static func shared() throws -> TestPostgres { try result.get() }
    private static let result = Result { try TestPostgres(settings: ["log_statement = none"]) }
}

/// Whom a migrated database belongs to.
struct Tenant: Sendable {
    let token: String
    let environmentID: String
    let serverID: String

    static let masterKey = [UInt8](repeating: 7, count: MasterKeySealer.masterKeyByteCount)

    /// Migrates an empty database and makes its tenant.
    static func make(_ pool: ConnectionPool) async throws -> Tenant {
        _ = try await Migrator(sessions: pool, migrations: try Migration.all()).migrate()
        let outcome = try await Bootstrap(
            transactions: pool, auth: AuthModule(), workspaces: WorkspacesModule(),
            servers: ServerRegistrar(), clock: SystemWallClock()
        ).run()
        return Tenant(
            token: outcome.token.revealed, environmentID: outcome.environmentID.description,
            serverID: outcome.serverID.description)
    }
}
