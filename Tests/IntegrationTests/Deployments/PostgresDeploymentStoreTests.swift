import Deployments
import Domain
import PostgresClient
import Services
import Testing

@Suite struct PostgresDeploymentStoreTests {
    static var store: PostgresDeploymentStore { PostgresDeploymentStore() }

    static func insert(_ deployments: [NewDeployment], _ pool: ConnectionPool) async throws {
        try await pool.inTransaction { tx in
            for deployment in deployments { try await Self.store.insertWithinTx(tx, deployment) }
        }
    }

    @Test("a deployment begins queued, without a lease, and due at once")
    func roundTrip() async throws {
        try await withDatabase { database, pool in
            let service = Service.sample(database.tenancy)
            try await IntegrationTests.insert([service], pool)
            let new = NewDeployment.sample(database.tenancy, of: service)
            try await Self.insert([new], pool)
            let found = try await pool.inSession {
                try await Self.store.find(new.id, in: $0).value()
            }
            let deployment = try #require(found)
            #expect(deployment.serviceID == service.id)
            #expect(deployment.serverID == database.tenancy.home.serverID)
            #expect(deployment.state == .queued)
            #expect(deployment.trigger == .create)
            #expect(deployment.image == service.image)
            #expect(deployment.message == "")
            #expect(deployment.createdAt == new.at)
            #expect(deployment.updatedAt == new.at)
            let queue = try database.run(
                """
                SELECT attempt, lease_holder IS NULL, lease_until IS NULL, fencing_token,
                    wake_at = created_at FROM deployments
                """)
            #expect(queue == "0|t|t|0|t")
            let none = try await pool.inSession {
                try await Self.store.find(DeploymentID(high: 1, low: 1), in: $0).value()
            }
            #expect(none == nil)
        }
    }

    @Test("a service's deployments are listed newest first, page by page")
    func lists() async throws {
        try await withDatabase { database, pool in
            let service = Service.sample(database.tenancy, slug: "a", number: 1)
            let other = Service.sample(database.tenancy, slug: "b", number: 2)
            try await IntegrationTests.insert([service, other], pool)
            let all = (1...5).map {
                NewDeployment.sample(database.tenancy, of: service, number: $0)
            }
            let theirs = NewDeployment.sample(database.tenancy, of: other, number: 6)
            try await Self.insert(all + [theirs], pool)
            let newestFirst = all.reversed().map(\.id)

            func page(_ after: DeploymentID?, _ limit: Int) async throws -> [DeploymentID] {
                try await pool.inSession {
                    try await Self.store.list(of: service.id, after: after, limit: limit, in: $0)
                        .map(\.id)
                }
            }
            var ids = try await page(nil, 100)
            #expect(ids == newestFirst)
            ids = try await page(nil, 2)
            #expect(ids == Array(newestFirst[..<2]))
            ids = try await page(newestFirst[1], 2)
            #expect(ids == Array(newestFirst[2..<4]))
            ids = try await page(newestFirst[4], 2)
            #expect(ids == [])
        }
    }

    @Test("a service's condition is that of its newest deployment; without one it has none")
    func conditions() async throws {
        try await withDatabase { database, pool in
            let services = (1...3).map {
                Service.sample(database.tenancy, slug: "s\($0)", number: $0)
            }
            try await IntegrationTests.insert(services, pool)
            // The newest is the one that was asked for last, whatever the ids say.
            let deployments = [
                NewDeployment.sample(database.tenancy, of: services[0], number: 2),
                NewDeployment.sample(database.tenancy, of: services[0], number: 1),
                NewDeployment.sample(database.tenancy, of: services[1], number: 3),
            ]
            try await Self.insert(deployments, pool)
            try database.force(.cancelled, deployments[1].id)
            func states(_ ids: [ServiceID]) async throws -> [ServiceID: DeploymentState] {
                try await pool.inSession {
                    try await Self.store.conditions(of: ids, in: $0).value().mapValues(\.newest)
                }
            }
            var found = try await states(services.map(\.id))
            #expect(found == [services[0].id: .cancelled, services[1].id: .queued])
            found = try await states([services[0].id])
            #expect(found == [services[0].id: .cancelled])
            found = try await states([services[2].id])
            #expect(found == [:])
            found = try await states([])
            #expect(found == [:])
        }
    }

    @Test("every state of the schema is one of ours, and every one of ours is the schema's")
    func states() async throws {
        try await withDatabase { database, pool in
            let service = Service.sample(database.tenancy)
            try await IntegrationTests.insert([service], pool)
            let new = NewDeployment.sample(database.tenancy, of: service)
            try await Self.insert([new], pool)
            for state in DeploymentState.allCases {
                try database.force(state, new.id)
                let found = try await pool.inSession {
                    try await Self.store.conditions(of: [service.id], in: $0).value()
                }
                #expect(found[service.id]?.newest == state)
            }
            let definition = try database.run(
                """
                SELECT pg_get_constraintdef(oid) FROM pg_constraint
                WHERE conname = 'deployments_state_check'
                """)
            let names = definition.split(separator: "'").enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
            #expect(Set(names) == Set(DeploymentState.allCases.map(\.rawValue)))
        }
    }
}
