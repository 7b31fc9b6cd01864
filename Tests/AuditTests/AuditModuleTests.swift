import Domain
import PostgresClient
import Testing

@testable import Audit

@Suite("AuditModule")
struct AuditModuleTests {
    final class FakeAuditStore: AuditStore {
        private(set) var events: [(id: AuditEventID, entry: AuditEntry)] = []
        var failure: Problem?

        func insertWithinTx(
            _ tx: Transaction, id: AuditEventID, _ entry: AuditEntry
        ) async throws {
            if let failure { throw failure }
            events.append((id, entry))
        }
    }

    let entry = AuditEntry(
        action: "service.delete",
        actor: Principal(
            userID: UserID(high: 1, low: 1), tokenID: AccessTokenID(high: 1, low: 2)),
        target: .service(ServiceID(high: 3, low: 3)),
        workspaceID: WorkspaceID(high: 2, low: 1), requestID: "r", callID: "c",
        at: Timestamp(microsecondsSince1970: 1_800_000_000_000_000))

    @Test("records each event under an id of its own, which begins with the event's time")
    func records() async throws {
        let store = FakeAuditStore()
        let module = AuditModule(store: store)
        try await module.recordWithinTx(.disconnected(), entry)
        try await module.recordWithinTx(.disconnected(), entry)
        #expect(store.events.map(\.entry) == [entry, entry])
        #expect(Set(store.events.map(\.id)).count == 2)
        for event in store.events { #expect(event.id.high >> 16 == 1_800_000_000_000) }
    }

    @Test("an event that cannot be written fails the transaction")
    func fails() async throws {
        let store = FakeAuditStore()
        store.failure = Problem(.unavailable, "away")
        await #expect(throws: Problem.self) {
            try await AuditModule(store: store).recordWithinTx(.disconnected(), entry)
        }
    }
}
