import Domain
import Testing

@testable import Services

@Suite("Reading, deleting and revealing")
struct OtherUseCaseTests {
    func created(_ bench: Bench, _ name: String = "orders") async throws -> Service {
        try await bench.module.createDatabase(
            CreateDatabaseRequest(
                environmentID: Bench.environmentID, name: name, templateID: "postgres"),
            caller: Bench.caller
        ).status.service
    }

    @Test("a deleted service is a tombstone, deleted once and audited once")
    func deletes() async throws {
        let bench = try Bench()
        let id = try await created(bench).id.description
        let first = try await bench.module.deleteService(id: id, caller: Bench.caller)
        let second = try await bench.module.deleteService(id: id, caller: Bench.caller)
        #expect(first == second)
        #expect(first.state == .deleted)
        #expect(first.service.deletedAt == testTime)
        #expect(bench.audit.entries.map(\.action) == ["service.create_database", "service.delete"])
        let found = try await bench.module.getService(id: id, caller: Bench.caller)
        #expect(found.state == .deleted)
    }

    @Test("revealing a connection is audited and needs the permission to reveal secrets")
    func reveals() async throws {
        let bench = try Bench()
        let service = try await created(bench)
        let parts = try await bench.module.revealConnection(
            id: service.id.description, caller: Bench.caller)
        #expect(parts.host == "orders")
        #expect(parts.password == SecretText("generated-password-generated"))
        #expect(bench.authorizer.asked.last?.permission == .revealSecrets)
        #expect(bench.audit.entries.last?.action == "service.reveal_connection")
    }

    @Test("a deleted service's connection is not revealed")
    func revealsNoTombstone() async throws {
        let bench = try Bench()
        let id = try await created(bench).id.description
        _ = try await bench.module.deleteService(id: id, caller: Bench.caller)
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.revealConnection(id: id, caller: Bench.caller)
        }
        #expect(problem.kind == .notFound)
        #expect(bench.audit.entries.last?.action == "service.delete")
    }

    @Test("a list is paged without gaps or repeats")
    func pages() async throws {
        let bench = try Bench()
        var made: Set<ServiceID> = []
        for index in 0..<7 { made.insert(try await created(bench, "db\(index)").id) }
        var seen: [ServiceID] = []
        var token = ""
        repeat {
            let page = try await bench.module.listServices(
                of: .environment(Bench.environmentID), pageSize: 3, pageToken: token,
                caller: Bench.caller)
            #expect(page.elements.count <= 3)
            seen += page.elements.map(\.service.id)
            token = page.nextToken
        } while !token.isEmpty
        #expect(seen.count == 7)
        #expect(Set(seen) == made)
    }

    @Test("a page token of another list is refused")
    func foreignToken() async throws {
        let bench = try Bench()
        for index in 0..<2 { _ = try await created(bench, "db\(index)") }
        let token = try await bench.module.listServices(
            of: .environment(Bench.environmentID), pageSize: 1, pageToken: "",
            caller: Bench.caller
        ).nextToken
        #expect(!token.isEmpty)
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.listServices(
                of: .project("00000000-0000-0002-0000-000000000002"), pageSize: 1,
                pageToken: token, caller: Bench.caller)
        }
        #expect(problem.violations.map(\.field) == ["page_token"])
    }

    @Test("a malformed parent is all that is wrong with a request whose page token is good")
    func malformedParent() async throws {
        let bench = try Bench()
        for index in 0..<2 { _ = try await created(bench, "db\(index)") }
        let token = try await bench.module.listServices(
            of: .environment(Bench.environmentID), pageSize: 1, pageToken: "",
            caller: Bench.caller
        ).nextToken
        #expect(!token.isEmpty)
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.listServices(
                of: .environment("prod"), pageSize: 1, pageToken: token, caller: Bench.caller)
        }
        #expect(problem.violations.map(\.field) == ["environment_id"])
    }

    @Test("a list without a scope is refused")
    func missingScope() async throws {
        let bench = try Bench()
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.listServices(
                of: .missing, pageSize: -1, pageToken: "", caller: Bench.caller)
        }
        #expect(problem.violations.map(\.field) == ["scope", "page_size"])
        #expect(bench.authorizer.authenticated == 1)
    }
}
