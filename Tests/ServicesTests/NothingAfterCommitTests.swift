import Domain
import Testing

@testable import Services

/// A failure after COMMIT would be told to a caller whose change is done.
@Suite("A call that writes")
struct NothingAfterCommitTests {
    /// A call that writes, by the name that a failure shows.
    struct Write: CustomTestStringConvertible, Sendable {
        let name: String
        let call: @Sendable (Bench, String) async throws -> Void
        var testDescription: String { name }
    }

    static let writes = [
        Write(name: "create") { bench, _ in
            _ = try await bench.module.createDatabase(
                CreateDatabaseRequest(
                    environmentID: Bench.environmentID, name: "other", templateID: "postgres",
                    requestID: "once"),
                caller: Bench.caller)
        },
        Write(name: "delete") { bench, id in
            _ = try await bench.module.deleteService(id: id, caller: Bench.caller)
        },
        Write(name: "undelete") { bench, id in
            _ = try await bench.module.deleteService(id: id, caller: Bench.caller)
            bench.runner.forget()
            let (status, _) = try await bench.module.undeleteService(id: id, caller: Bench.caller)
            #expect(status.state == .notDeployed)
            #expect(status.service.deletedAt == nil)
        },
        Write(name: "reveal") { bench, id in
            _ = try await bench.module.revealConnection(id: id, caller: Bench.caller)
        },
    ]

    @Test("asks PostgreSQL nothing once its one transaction is committed", arguments: writes)
    func commitsLast(write: Write) async throws {
        let bench = try Bench()
        let service = try await bench.module.createDatabase(
            CreateDatabaseRequest(
                environmentID: Bench.environmentID, name: "orders", templateID: "postgres"),
            caller: Bench.caller
        ).status.service
        bench.runner.forget()
        try await write.call(bench, service.id.description)
        #expect(bench.runner.transactions == 1)
        #expect(bench.runner.steps.last == .transaction)
    }
}
