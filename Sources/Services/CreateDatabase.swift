public import Domain
import PostgresClient

/// Provisions a private database service: row, credentials, first deployment, audit event and the
/// memory of the request in one transaction, or nothing.
public struct CreateDatabase {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let store: any ServiceStore
    let requests: any CreateRequestStore
    let config: any ConfigSetter
    let deployments: any DeploymentEnqueuer
    let audit: any AuditRecorder
    let fingerprinter: any RequestFingerprinter
    let quotas: ServiceQuotas
    let checker: CreateDatabaseChecker
    let replay: ReplayCreateRequest
    let clock: any WallClock

    /// Authorizes, checks every field, then writes; or answers again what the same request made.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `notFound`, `permissionDenied`,
    ///   `invalidArgument` with every violation, `alreadyExists` for a taken name or a request id
    ///   that another request has, `resourceExhausted` for a quota; ``CreateRequestUnread`` when the
    ///   request was committed before and its answer cannot be read now.
    public func callAsFunction(
        _ request: CreateDatabaseRequest, caller: CallerContext
    ) async throws -> CreatedDatabase {
        let grant = try await authorize(request, caller)
        let checked: CreateDatabaseChecker.Checked
        switch try checker.check(request) {
        case .good(let fields): checked = fields
        case .bad(let violations): throw violations.problem
        }
        let key = try requestKey(request, grant)
        let plan = try CreateDatabasePlan(request, checked, grant, at: clock.now())
        var expiry: Timestamp?
        for _ in 0..<CreateDatabase.attemptsMax {
            do {
                return try await write(plan, key, request, grant, caller, forgetting: expiry)
            } catch is CreateRequestRepeated {
                guard let key else { throw Problem(.internalFault, "no request id to look up") }
                let before = clock.now().advanced(by: .zero - CreateRequestMemory.duration)
                if let answer = try await replay(key, notBefore: before) { return answer }
                // What was remembered has expired: the next attempt forgets it, or changes nothing.
                expiry = before
            }
        }
        throw Problem(.unavailable, "others repeat this request at the same time; try again")
    }

    /// A second attempt takes the place of an expired request; more are needed only when several callers
    /// repeat it in the same moment.
    private static let attemptsMax = 3

    /// Without an environment there is nothing to authorize in, but who calls is known before any
    /// field error is told.
    private func authorize(
        _ request: CreateDatabaseRequest, _ caller: CallerContext
    ) async throws -> Grant {
        var violations = FieldViolations()
        guard
            let environmentID = violations.identifier(
                request.environmentID, field: "environment_id", as: EnvironmentID.self)
        else {
            _ = try await authorizer.authenticate(caller.credential)
            if case .bad(let others) = try checker.check(request) { violations.add(others) }
            throw violations.problem
        }
        return try await authorizer.authorize(
            caller.credential, .writeServices,
            in: .environment(environmentID, server: ServerID(request.serverID)))
    }

    private func requestKey(
        _ request: CreateDatabaseRequest, _ grant: Grant
    ) throws -> CreateRequestKey? {
        guard !request.requestID.isEmpty else { return nil }
        return CreateRequestKey(
            workspaceID: grant.workspaceID, userID: grant.principal.userID,
            requestID: request.requestID,
            fingerprint: try fingerprinter.fingerprint(request.canonicalBytes))
    }

    /// Every statement is queued; the first answer awaited is that of COMMIT. The request comes
    /// first, so that a repeated one is told from a taken name.
    ///
    /// - Parameter expiry: What is remembered by the key is forgotten if it is older.
    private func write(
        _ plan: CreateDatabasePlan, _ key: CreateRequestKey?, _ request: CreateDatabaseRequest,
        _ grant: Grant, _ caller: CallerContext, forgetting expiry: Timestamp?
    ) async throws -> CreatedDatabase {
        try await transactions.inTransaction { tx in
            if let key {
                if let expiry { try await requests.forgetWithinTx(tx, key, olderThan: expiry) }
                try await requests.insertWithinTx(
                    tx, key, serviceID: plan.service.id, deploymentID: plan.deployment?.id,
                    at: plan.service.createdAt)
            }
            try await store.requireQuotaWithinTx(
                tx, workspaceID: grant.workspaceID, max: quotas.servicesPerWorkspaceMax)
            try await store.insertWithinTx(tx, plan.service)
            try await config.setWithinTx(tx, serviceID: plan.service.id, entries: plan.entries)
            if let deployment = plan.deployment {
                try await deployments.enqueueWithinTx(tx, deployment)
            } else {
                tx.notify(of: plan.service)
            }
            try await audit.recordWithinTx(
                tx,
                AuditEntry(
                    action: "service.create_database", actor: grant.principal,
                    target: .service(plan.service.id), workspaceID: grant.workspaceID,
                    requestID: request.requestID, callID: caller.callID,
                    at: plan.service.createdAt))
        }
        return CreatedDatabase(
            status: ServiceStatus(
                service: plan.service, state: plan.deployment == nil ? .notDeployed : .queued),
            deploymentID: plan.deployment?.id, connectionURI: plan.connection.uri)
    }
}
