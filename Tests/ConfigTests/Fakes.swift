import Domain
import PostgresClient

@testable import Config

struct FakeClock: WallClock {
    func now() -> Timestamp { Timestamp(microsecondsSince1970: 1_800_000_000_000_000) }
}

struct FakeSessions: SessionRunner {
    func inSession<R>(_ body: (Session) async throws -> R) async throws -> R {
        try await body(Session.disconnected())
    }
}

/// Writes the place before the secret: what was sealed for another place does not open.
struct FakeSealer: SecretSealer {
    func seal(_ secret: SecretText, for place: SecretPlace) throws -> SealedSecret {
        SealedSecret(keyID: "\(place)", bytes: Array(secret.revealed.utf8))
    }

    func open(_ sealed: SealedSecret, for place: SecretPlace) throws -> SecretText {
        guard sealed.keyID == "\(place)" else { throw Problem(.internalFault, "another place") }
        return SecretText(String(decoding: sealed.bytes, as: UTF8.self))
    }
}

final class FakeAuthorizer: Authorizer {
    var refusal: Problem?
    private let principal = Principal(
        userID: UserID(high: 1, low: 1), tokenID: AccessTokenID(high: 1, low: 2))

    func authorize(
        _ credential: Credential, _ permission: Permission, in scope: Scope
    ) async throws -> Grant {
        if let refusal { throw refusal }
        return Grant(
            principal: principal, role: .member, workspaceID: WorkspaceID(high: 2, low: 1))
    }

    func authenticate(_ credential: Credential) async throws -> Principal {
        if let refusal { throw refusal }
        return principal
    }
}

final class FakeConfigStore: ConfigStore {
    private(set) var entries: [ConfigEntry] = []
    private(set) var reads = 0

    func insertWithinTx(_ tx: Transaction, _ entry: ConfigEntry) async throws {
        entries.append(entry)
    }

    func effective(
        serviceID: ServiceID, environmentID: EnvironmentID, in session: Session
    ) -> Pending<[ConfigEntry]> {
        reads += 1
        return Pending { self.entries }
    }

    func deleteSecretsWithinTx(_ tx: Transaction, of serviceID: ServiceID) async throws {
        entries.removeAll { entry in
            if case .secret = entry.content { entry.scope == .service(serviceID) } else { false }
        }
    }

    func list(_ scope: ConfigEntry.Scope, in session: Session) async throws -> [ConfigEntry] {
        reads += 1
        return entries.filter { $0.scope == scope }
    }
}

/// The module over its fakes.
struct Bench {
    let authorizer = FakeAuthorizer()
    let store = FakeConfigStore()
    let sealer = FakeSealer()
    let module: ConfigModule

    init() {
        module = ConfigModule(
            authorizer: authorizer, sessions: FakeSessions(), sealer: sealer, clock: FakeClock(),
            store: store)
    }

    static let caller = CallerContext(
        credential: Credential(tokenHash: Array(repeating: 7, count: 32)), callID: "call-1")
}
