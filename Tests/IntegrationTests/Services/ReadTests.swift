import Domain
import PostgresClient
import Testing

@testable import Services

/// Reads on a real PostgreSQL: authorized and answered together, and told to nobody else.
@Suite struct ReadTests {
    @Test(
        "a service is read in the round trip that authorizes it, a list in one more for its states")
    func roundTrips() async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool).services
            let tenancy = database.tenancy
            let created = try await services.createDatabase(
                .sample(tenancy), caller: try tenancy[.member].caller())
            let viewer = try tenancy[.viewer].caller()
            for name in ["on a new connection", "on a prepared connection"] {
                var before = pool.statistics.roundTrips
                let found = try await services.getService(
                    id: created.status.service.id.description, caller: viewer)
                #expect(found.service.id == created.status.service.id)
                #expect(pool.statistics.roundTrips == before + 1, "\(name)")

                before = pool.statistics.roundTrips
                let page = try await services.listServices(
                    of: .environment(tenancy.home.environmentID.description), pageSize: 10,
                    pageToken: "", caller: viewer)
                #expect(page.elements.map(\.service.id) == [created.status.service.id])
                #expect(pool.statistics.roundTrips == before + 2, "\(name)")
            }
        }
    }

    @Test("who may not read hears the same of what is there and of what is not")
    func refusals() async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool).services
            let tenancy = database.tenancy
            let created = try await services.createDatabase(
                .sample(tenancy), caller: try tenancy[.member].caller())
            let there = created.status.service.id.description
            let nowhere = ServiceID(high: 1, low: 1).description
            let stranger = try tenancy.stranger.caller()
            let nobody = CallerContext(
                credential: Credential(tokenHash: [UInt8](repeating: 9, count: 32)), callID: "")
            for (caller, kind) in [(stranger, Problem.Kind.notFound), (nobody, .unauthenticated)] {
                var heard: [Problem] = []
                for id in [there, nowhere] {
                    heard.append(
                        try await problem {
                            _ = try await services.getService(id: id, caller: caller)
                        })
                    heard.append(
                        try await problem {
                            _ = try await services.revealConnection(id: id, caller: caller)
                        })
                }
                #expect(heard.allSatisfy { $0.kind == kind }, "\(heard)")
                #expect(Set(heard.map(\.message)).count == 1, "\(heard)")
                let list = try await problem {
                    _ = try await services.listServices(
                        of: .workspace(tenancy.home.workspaceID.description), pageSize: 10,
                        pageToken: "", caller: caller)
                }
                #expect(list.kind == kind)
            }
            let refused = try await problem {
                _ = try await services.revealConnection(
                    id: there, caller: try tenancy[.viewer].caller())
            }
            #expect(refused.kind == .permissionDenied)
            // A refusal in the middle of a session leaves its connection fit for others.
            #expect(pool.statistics.inUse == 0)
            #expect(pool.statistics.connects == pool.statistics.idle)
        }
    }
}
