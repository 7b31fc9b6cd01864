import Domain
import PostgresClient

@testable import Services

extension Service {
    /// A database service that the schema accepts; ids rise with `number`.
    static func sample(
        _ tenancy: Tenancy, slug: String = "main", number: UInt64 = 1,
        environmentID: EnvironmentID? = nil, serverID: ServerID? = nil
    ) -> Service {
        Service(
            id: ServiceID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | number),
            workspaceID: tenancy.home.workspaceID, projectID: tenancy.home.projectID,
            environmentID: environmentID ?? tenancy.home.environmentID, name: slug.uppercased(),
            slug: ServiceSlug(stored: slug), kind: .database, source: .template("postgres"),
            image: "postgres:16-alpine", port: 5432, visibility: .private, serverID: serverID,
            createdAt: Tenancy.time, updatedAt: Tenancy.time, deletedAt: nil)
    }
}

/// Inserts services in one transaction.
func insert(_ services: [Service], _ pool: ConnectionPool) async throws {
    try await pool.inTransaction { tx in
        for service in services { try await PostgresServiceStore().insertWithinTx(tx, service) }
    }
}

extension NewDeployment {
    /// A deployment of a service to the first workspace's server; ids rise with `number`.
    static func sample(_ tenancy: Tenancy, of service: Service, number: UInt64 = 1) -> NewDeployment
    {
        NewDeployment(
            id: DeploymentID(high: 0x0190_0000_0000_7001, low: 0x8000_0000_0000_0000 | number),
            serviceID: service.id, environmentID: service.environmentID,
            workspaceID: service.workspaceID, serverID: tenancy.home.serverID, image: service.image,
            trigger: .create,
            at: Tenancy.time)
    }
}
