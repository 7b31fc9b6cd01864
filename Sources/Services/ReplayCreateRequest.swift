import Domain
import PostgresClient

/// Answers a create request again: from the rows that it made, the password from its seal; no
/// response is stored.
struct ReplayCreateRequest {
    let sessions: any SessionRunner
    let transactions: any TransactionRunner
    let store: any ServiceStore
    let requests: any CreateRequestStore
    let config: any ConfigRevealer
    let deployments: any DeploymentStates
    let audit: any AuditRecorder
    let catalogue: DatabaseCatalogue
    let clock: any WallClock

    /// The answer of before; showing its password again is audited.
    ///
    /// - Returns: `nil` when what was remembered had expired; it is forgotten then.
    /// - Throws: ``Problem`` of kind `alreadyExists` when the id belongs to another request.
    func callAsFunction(
        _ key: CreateRequestKey, grant: Grant, caller: CallerContext
    ) async throws -> CreatedDatabase? {
        let expiry = clock.now().advanced(by: .zero - CreateRequestMemory.duration)
        let answer = try await sessions.inSession { session -> CreatedDatabase? in
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
        try await transactions.inTransaction { tx in
            guard let answer else {
                return try await requests.forgetWithinTx(tx, key, olderThan: expiry)
            }
            try await audit.recordWithinTx(
                tx,
                AuditEntry(
                    action: "service.repeat_create_database", actor: grant.principal,
                    target: .service(answer.status.service.id), workspaceID: grant.workspaceID,
                    requestID: key.requestID, callID: caller.callID, at: clock.now()))
        }
        return answer
    }

    private func rebuild(
        _ stored: StoredCreateRequest, in session: Session
    ) async throws -> CreatedDatabase {
        let states = deployments.latestStates(of: [stored.serviceID], in: session)
        guard let service = try await store.find(stored.serviceID, in: session) else {
            throw Problem.serviceNotFound
        }
        let entries = try await config.reveal(serviceID: service.id, in: session)
        let connection = try ConnectionParts(of: service, entries, catalogue)
        return CreatedDatabase(
            status: ServiceStatus(of: service, try await states.value()),
            deploymentID: stored.deploymentID, connectionURI: connection.uri)
    }
}
