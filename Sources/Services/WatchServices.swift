public import Domain
import PostgresClient

/// Follows the services of an environment.
public struct WatchServices {
    let authorizer: any Authorizer
    let readAuthorizer: any ReadAuthorizer
    let sessions: any SessionRunner
    let store: any ServiceStore
    let conditions: any ServiceConditions
    let changes: any ChangeFeed

    /// The services that can be followed at once.
    public static let servicesMax = 1000

    /// Sends the services as they are, then those that changed; what is read again is authorized
    /// again. Without text of agents for who may not read what containers write. Returns when the
    /// caller cancels.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `resourceExhausted`; what `send` throws; `CancellationError`.
    public func callAsFunction(
        environmentID text: String, caller: CallerContext,
        send: ([ServiceStatus]) async throws -> Void
    ) async throws {
        var violations = FieldViolations()
        guard
            let id = violations.identifier(
                text, field: "environment_id", as: EnvironmentID.self)
        else {
            _ = try await authorizer.authenticate(caller.credential)
            try violations.throwIfAny()
            return
        }
        // Listening begins before the first look, so that nothing falls between.
        let subscription = changes.subscribe(to: .environment(id))
        defer { subscription.cancel() }
        var followed = FollowedServices()
        try await send(followed.changes(try await read(id, followed.ids, caller)))
        while true {
            try await subscription.next()
            let changed = followed.changes(try await read(id, followed.ids, caller))
            if !changed.isEmpty { try await send(changed) }
        }
    }

    private func read(
        _ id: EnvironmentID, _ followed: [ServiceID], _ caller: CallerContext
    ) async throws -> [ServiceStatus] {
        try await sessions.inSession { session in
            let grant = readAuthorizer.grant(
                caller.credential, .readServices, in: .environment(id, server: nil),
                session: session)
            let rows = store.list(
                of: id, alsoDeleted: followed, limit: 2 * WatchServices.servicesMax + 1,
                in: session)
            let showsText = try await grant.value().allows(.revealSecrets)
            let services = try await rows.value()
            guard services.count(where: { $0.deletedAt == nil }) <= WatchServices.servicesMax
            else {
                throw Problem(
                    .resourceExhausted,
                    "the environment has more than \(WatchServices.servicesMax) services, the most "
                        + "that can be watched (services_watched_max); list them page by page")
            }
            let found = try await conditions.conditions(
                of: services.map(\.id), in: session
            ).value()
            return services.map { ServiceStatus(of: $0, found, showsText: showsText) }
        }
    }
}

/// What was sent of the services that are followed.
struct FollowedServices {
    private var sent: [ServiceID: ServiceStatus] = [:]

    /// Those to look at even when they are deleted.
    var ids: [ServiceID] { Array(sent.keys) }

    /// Those that are otherwise than when they were sent, in the order given; what is deleted for
    /// good is followed no longer.
    mutating func changes(_ now: [ServiceStatus]) -> [ServiceStatus] {
        let changed = now.filter { sent[$0.service.id] != $0 }
        for status in changed { sent[status.service.id] = status }
        for status in now where status.state == .deleted || status.state == .purged {
            sent[status.service.id] = nil
        }
        return changed
    }
}
