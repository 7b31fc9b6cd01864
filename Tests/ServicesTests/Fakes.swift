import Domain
import PostgresClient

@testable import Services

// Hand-written fakes of the module's ports. Each notes what it was asked, so that a test can say what
// was written and what was not.

let testTime = Timestamp(microsecondsSince1970: 1_800_000_000_000_000)

final class FakeClock: WallClock {
    var time = testTime
    func now() -> Timestamp { time }
}

struct FakeFingerprinter: RequestFingerprinter {
    func fingerprint(_ bytes: [UInt8]) throws -> [UInt8] { bytes }
}

final class FakeCreateRequestStore: CreateRequestStore {
    struct Key: Hashable {
        let workspaceID: WorkspaceID
        let userID: UserID
        let requestID: String

        init(_ key: CreateRequestKey) {
            workspaceID = key.workspaceID
            userID = key.userID
            requestID = key.requestID
        }
    }

    var stored: [Key: StoredCreateRequest] = [:]

    func insertWithinTx(
        _ tx: Transaction, _ key: CreateRequestKey, serviceID: ServiceID,
        deploymentID: DeploymentID?, at: Timestamp
    ) async throws {
        guard stored[Key(key)] == nil else { throw CreateRequestRepeated() }
        stored[Key(key)] = StoredCreateRequest(
            fingerprint: key.fingerprint, serviceID: serviceID, deploymentID: deploymentID,
            createdAt: at)
    }

    func find(_ key: CreateRequestKey, in session: Session) async throws -> StoredCreateRequest? {
        stored[Key(key)]
    }

    func forgetWithinTx(
        _ tx: Transaction, _ key: CreateRequestKey, olderThan expiry: Timestamp
    ) async throws {
        if let found = stored[Key(key)], found.createdAt < expiry { stored[Key(key)] = nil }
    }

    func sweepWithinTx(
        _ tx: Transaction, olderThan expiry: Timestamp, limit: Int
    ) async throws -> Int {
        let old = stored.filter { $0.value.createdAt < expiry }.prefix(limit)
        for (key, _) in old { stored[key] = nil }
        return old.count
    }
}

struct FakePasswords: PasswordGenerator {
    func generate() throws -> SecretText { SecretText("generated-password-generated") }
}

final class FakeRunner: TransactionRunner, SessionRunner {
    enum Step {
        case transaction
        case session
    }

    /// What was opened, in order.
    private(set) var steps: [Step] = []
    /// What sessions fail with instead of being opened.
    var sessionFailure: PostgresError?

    var transactions: Int { steps.count { $0 == .transaction } }
    var sessions: Int { steps.count { $0 == .session } }

    func forget() { steps = [] }

    func inTransaction<R>(_ body: (Transaction) async throws -> R) async throws -> R {
        steps.append(.transaction)
        return try await body(Transaction.disconnected())
    }

    func inSession<R>(_ body: (Session) async throws -> R) async throws -> R {
        steps.append(.session)
        if let sessionFailure { throw sessionFailure }
        return try await body(Session.disconnected())
    }
}

final class FakeAuthorizer: Authorizer, ReadAuthorizer {
    struct Asked: Equatable {
        let permission: Permission
        let scope: Scope
    }

    var refusal: Problem?
    var asked: [Asked] = []
    var authenticated = 0
    var grant = Grant(
        principal: Principal(
            userID: UserID(high: 1, low: 1), tokenID: AccessTokenID(high: 1, low: 2)),
        role: .member, workspaceID: WorkspaceID(high: 2, low: 1),
        projectID: ProjectID(high: 2, low: 2), environmentID: EnvironmentID(high: 2, low: 3))

    func authorize(
        _ credential: Credential, _ permission: Permission, in scope: Scope
    ) async throws -> Grant {
        asked.append(Asked(permission: permission, scope: scope))
        if let refusal { throw refusal }
        return grant
    }

    func grant(
        _ credential: Credential, _ permission: Permission, in scope: Scope, session: Session
    ) -> Pending<Grant> {
        Pending { try await self.authorize(credential, permission, in: scope) }
    }

    func authenticate(_ credential: Credential) async throws -> Principal {
        authenticated += 1
        if let refusal { throw refusal }
        return grant.principal
    }
}

final class FakeServiceStore: ServiceStore {
    var services: [Service] = []
    var purgesQueued: [ServiceID] = []

    func insertWithinTx(_ tx: Transaction, _ service: Service) async throws {
        services.append(service)
    }

    func requireQuotaWithinTx(
        _ tx: Transaction, workspaceID: WorkspaceID, max: Int32
    ) async throws {
        guard services.count(where: { $0.deletedAt == nil }) < Int(max) else {
            throw Problem(.resourceExhausted, "services_per_workspace_max")
        }
    }

    func find(_ id: ServiceID, in session: Session) -> Pending<Service?> {
        Pending { self.services.first { $0.id == id } }
    }

    func list(
        _ list: ServiceList, after: ServiceID?, limit: Int, in session: Session
    ) -> Pending<[Service]> {
        let sorted = services.filter { $0.deletedAt == nil }
            .sorted { $0.id.description > $1.id.description }
        let rest = after.map { last in sorted.filter { $0.id.description < last.description } }
        return Pending { Array((rest ?? sorted).prefix(limit)) }
    }

    func list(
        of environmentID: EnvironmentID, alsoDeleted ids: [ServiceID], limit: Int,
        in session: Session
    ) -> Pending<[Service]> {
        let found = services.filter { $0.deletedAt == nil || ids.contains($0.id) }.prefix(limit)
        return Pending { Array(found) }
    }

    func markDeletedWithinTx(
        _ tx: Transaction, _ id: ServiceID, at: Timestamp, purgeAt: Timestamp
    ) async throws -> (service: Service, deletedNow: Bool)? {
        guard let index = services.firstIndex(where: { $0.id == id }) else { return nil }
        let wasDeleted = services[index].deletedAt != nil
        if !wasDeleted {
            services[index] = services[index].deleted(at: at)
            services[index].purgeAt = purgeAt
        }
        return (services[index], !wasDeleted)
    }

    func markUndeletedWithinTx(_ tx: Transaction, _ service: Service, at: Timestamp) async throws {
        change(service.id) { $0 = $0.deleted(at: nil) }
    }

    func lockWithinTx(_ tx: Transaction, _ id: ServiceID) async throws -> Service? {
        services.first { $0.id == id }
    }

    func chooseServerWithinTx(
        _ tx: Transaction, _ id: ServiceID, serverID: ServerID, at: Timestamp
    ) async throws {}

    func markTornDownWithinTx(_ tx: Transaction, _ id: ServiceID, at: Timestamp) async throws {
        change(id) { $0.tornDownAt = at }
    }

    func markPurgeQueuedWithinTx(_ tx: Transaction, _ id: ServiceID, at: Timestamp) async throws {
        purgesQueued.append(id)
    }

    func markPurgedWithinTx(_ tx: Transaction, _ id: ServiceID, at: Timestamp) async throws {
        change(id) { $0.purgedAt = at }
    }

    func dueForPurgeWithinTx(
        _ tx: Transaction, at: Timestamp, limit: Int
    ) async throws -> [Service] {
        Array(
            services.filter { service in
                service.tornDownAt != nil && service.purgedAt == nil
                    && !purgesQueued.contains(service.id)
                    && service.purgeAt.map { $0 <= at } == true
            }.prefix(limit))
    }

    private func change(_ id: ServiceID, _ body: (inout Service) -> Void) {
        guard let index = services.firstIndex(where: { $0.id == id }) else { return }
        body(&services[index])
    }
}

extension Service {
    func deleted(at time: Timestamp?) -> Service {
        Service(
            id: id, workspaceID: workspaceID, projectID: projectID, environmentID: environmentID,
            name: name, slug: slug, kind: kind, source: source, image: image, port: port,
            visibility: visibility, serverID: serverID, createdAt: createdAt,
            updatedAt: time ?? updatedAt, deletedAt: time)
    }
}

final class FakeConfig: ConfigSetter, ConfigRevealer, SecretEraser {
    var entries: [ServiceID: [ConfigEntryDraft]] = [:]

    func setWithinTx(
        _ tx: Transaction, serviceID: ServiceID, entries: [ConfigEntryDraft]
    ) async throws {
        self.entries[serviceID, default: []] += entries
    }

    func eraseSecretsWithinTx(_ tx: Transaction, of serviceID: ServiceID) async throws {
        entries[serviceID]?.removeAll { entry in
            if case .secret = entry.value { true } else { false }
        }
    }

    func reveal(
        serviceID: ServiceID, in session: Session
    ) async throws -> [String: ConfigEntryDraft.Value] {
        Dictionary(
            (entries[serviceID] ?? []).map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }
}

final class FakeDeployments: DeploymentEnqueuer, DeploymentRetirer, ServiceConditions {
    var queued: [NewDeployment] = []
    /// Services that agents worked on.
    var touched: Set<ServiceID> = []
    private(set) var released: [EnvironmentID] = []
    /// What every service is in, instead of what was queued.
    var condition: ServiceCondition?

    func retireWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, at: Timestamp
    ) async throws -> Bool {
        queued.removeAll { $0.serviceID == serviceID }
        return touched.contains(serviceID)
    }

    func reviveWithinTx(
        _ tx: Transaction, _ service: DeployableService, at: Timestamp
    ) async throws -> DeploymentID? {
        touched.contains(service.id) ? DeploymentID.new(at: at) : nil
    }

    func purgeWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, at: Timestamp
    ) async throws -> Bool {
        touched.contains(serviceID)
    }

    func releaseEnvironmentWithinTx(_ tx: Transaction, _ id: EnvironmentID) async throws {
        released.append(id)
    }

    func enqueueWithinTx(_ tx: Transaction, _ deployment: NewDeployment) async throws {
        queued.append(deployment)
    }

    func conditions(
        of services: [ServiceID], in session: Session
    ) -> Pending<[ServiceID: ServiceCondition]> {
        if let condition {
            return Pending {
                Dictionary(services.map { ($0, condition) }, uniquingKeysWith: { $1 })
            }
        }
        let waiting = ServiceCondition(
            newest: .queued, message: "", container: .none, agentIsOnline: true)
        let conditions: [ServiceID: ServiceCondition] = Dictionary(
            queued.filter { services.contains($0.serviceID) }.map { ($0.serviceID, waiting) },
            uniquingKeysWith: { $1 })
        return Pending { conditions }
    }
}

/// Wakes its listeners as often as a test allows, then ends them.
final class FakeChangeFeed: ChangeFeed {
    final class Subscription: ChangeSubscription {
        let feed: FakeChangeFeed

        init(_ feed: FakeChangeFeed) { self.feed = feed }

        func next() async throws {
            guard !feed.steps.isEmpty else { throw CancellationError() }
            feed.steps.removeFirst()()
        }

        func cancel() { feed.cancelled += 1 }
    }

    var topics: [ChangeTopic] = []
    /// What happens before each wake-up.
    var steps: [() -> Void] = []
    var cancelled = 0

    func subscribe(to topic: ChangeTopic) -> any ChangeSubscription {
        topics.append(topic)
        return Subscription(self)
    }
}

final class FakeAudit: AuditRecorder {
    var entries: [AuditEntry] = []

    func recordWithinTx(_ tx: Transaction, _ entry: AuditEntry) async throws {
        entries.append(entry)
    }
}

/// The module over its fakes.
struct Bench {
    let authorizer = FakeAuthorizer()
    let runner = FakeRunner()
    let store = FakeServiceStore()
    let config = FakeConfig()
    let deployments = FakeDeployments()
    let audit = FakeAudit()
    let requests = FakeCreateRequestStore()
    let clock = FakeClock()
    let changes = FakeChangeFeed()
    let module: ServicesModule

    init(servicesMax: Int32 = 1000) throws {
        module = ServicesModule(
            ServicesModule.Dependencies(
                authorizer: authorizer, readAuthorizer: authorizer,
                transactions: runner, sessions: runner,
                configSetter: config, configRevealer: config, deploymentEnqueuer: deployments,
                deploymentRetirer: deployments, conditions: deployments, secretEraser: config,
                changes: changes, audit: audit,
                fingerprinter: FakeFingerprinter(),
                quotas: ServiceQuotas(servicesPerWorkspaceMax: servicesMax),
                catalogue: try DatabaseCatalogue(), clock: clock),
            store: store, requests: requests, passwords: FakePasswords())
    }

    static let caller = CallerContext(
        credential: Credential(tokenHash: Array(repeating: 7, count: 32)), callID: "call-1")
    static let environmentID = "00000000-0000-0002-0000-000000000003"
    static let serverID = "00000000-0000-0003-0000-000000000001"

    /// Whether nothing at all was written.
    var isUntouched: Bool {
        runner.transactions == 0 && store.services.isEmpty && config.entries.isEmpty
            && deployments.queued.isEmpty && audit.entries.isEmpty
    }
}
