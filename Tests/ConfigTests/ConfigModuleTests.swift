import Domain
import PostgresClient
import Testing

@testable import Config

@Suite("ConfigModule")
struct ConfigModuleTests {
    let serviceID = ServiceID(high: 1, low: 1)
    let entries = [
        ConfigEntryDraft(key: "POSTGRES_USER", value: .variable("berth")),
        ConfigEntryDraft(key: "POSTGRES_PASSWORD", value: .secret(SecretText("staple"))),
    ]

    @Test("seals a secret for its place before the store sees it, and opens it again")
    func seals() async throws {
        let bench = Bench()
        try await bench.module.setWithinTx(
            .disconnected(), serviceID: serviceID, entries: entries)
        let place = SecretPlace(scope: .service(serviceID), key: "POSTGRES_PASSWORD")
        #expect(
            bench.store.entries.map(\.content) == [
                .variable("berth"),
                .secret(try bench.sealer.seal(SecretText("staple"), for: place)),
            ])
        let revealed = try await bench.module.reveal(
            serviceID: serviceID, in: .disconnected())
        #expect(
            revealed == [
                "POSTGRES_USER": .variable("berth"),
                "POSTGRES_PASSWORD": .secret(SecretText("staple")),
            ])
    }

    @Test("erasing a service's secrets leaves its variables")
    func erases() async throws {
        let bench = Bench()
        try await bench.module.setWithinTx(
            .disconnected(), serviceID: serviceID, entries: entries)
        try await bench.module.eraseSecretsWithinTx(.disconnected(), of: serviceID)
        #expect(bench.store.entries.map(\.key) == ["POSTGRES_USER"])
    }

    @Test("a list without a scope is refused, to those alone who have a token")
    func missingScope() async throws {
        let bench = Bench()
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.listConfig(of: .missing, caller: Bench.caller)
        }
        #expect(problem.violations.map(\.field) == ["scope"])
        bench.authorizer.refusal = Problem(.unauthenticated, "who?")
        let refused = try await #require(throws: Problem.self) {
            _ = try await bench.module.listConfig(of: .service("x"), caller: Bench.caller)
        }
        #expect(refused.kind == .unauthenticated)
    }

    @Test("a list is read by those alone who may read the service")
    func denied() async throws {
        let bench = Bench()
        bench.authorizer.refusal = Problem(.notFound, "no such service")
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.listConfig(
                of: .service(serviceID.description), caller: Bench.caller)
        }
        #expect(problem.kind == .notFound)
        #expect(bench.store.reads == 0)
    }
}
