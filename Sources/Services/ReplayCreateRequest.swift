import Domain
import PostgresClient

/// Answers a create request again: from the rows that it made, the password from its seal; no
/// response is stored.
struct ReplayCreateRequest {
    let sessions: any SessionRunner
    let store: any ServiceStore
    let requests: any CreateRequestStore
    let config: any ConfigRevealer
    let conditions: any ServiceConditions
    let catalogue: DatabaseCatalogue

    /// The answer of before. It goes to the very user who had it before, so it adds no row, no audit
    /// event either: what was done was done once.
    ///
    /// - Parameter expiry: What was remembered before it has expired.
    /// - Returns: `nil` when what was remembered had expired.
    /// - Throws: ``Problem`` of kind `alreadyExists` when the id belongs to another request,
    ///   `notFound` when the service that it made is deleted; ``CreateRequestUnread`` when PostgreSQL
    ///   failed: the request itself was committed before.
    func callAsFunction(
        _ key: CreateRequestKey, notBefore expiry: Timestamp
    ) async throws -> CreatedDatabase? {
        do {
            return try await sessions.inSession { session -> CreatedDatabase? in
                guard let stored = try await requests.find(key, in: session),
                    stored.createdAt >= expiry
                else { return nil }
                guard stored.fingerprint == key.fingerprint else {
                    throw Problem(
                        .alreadyExists, "another request was made with this request_id",
                        violations: [
                            Problem.FieldViolation(
                                field: "request_id", rule: "belongs to another request already")
                        ])
                }
                return try await rebuild(stored, in: session)
            }
        } catch let failure as PostgresError {
            throw CreateRequestUnread(cause: failure)
        }
    }

    private func rebuild(
        _ stored: StoredCreateRequest, in session: Session
    ) async throws -> CreatedDatabase {
        let conditions = conditions.conditions(of: [stored.serviceID], in: session)
        guard let service = try await store.find(stored.serviceID, in: session).value() else {
            throw Problem.serviceNotFound
        }
        // As RevealConnection has it: nobody is shown the way into what is deleted.
        guard service.deletedAt == nil else {
            throw Problem(
                .notFound,
                "the service that this request made is deleted; another one needs another request_id"
            )
        }
        let entries = try await config.reveal(serviceID: service.id, in: session)
        let connection = try ConnectionParts(of: service, entries, catalogue)
        var status = ServiceStatus(of: service, try await conditions.value())
        // The call that created knew of no agent. Once something has happened, the repeat says what.
        if status.state == .queued { status.message = "" }
        return CreatedDatabase(
            status: status,
            deploymentID: stored.deploymentID, connectionURI: connection.uri)
    }
}
