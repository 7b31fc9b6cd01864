public import Domain
import PostgresClient

/// Deploys a service that never was.
public struct DeployService {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let store: any DeploymentStore
    let services: any DeployableServices
    let queue: QueueDeployment
    let audit: any AuditRecorder
    let clock: any WallClock

    /// Queues the first deployment.
    ///
    /// - Parameter serverID: Where; empty for the server that was named at the service's creation.
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`, `failedPrecondition`, `resourceExhausted`.
    public func callAsFunction(
        id text: String, serverID serverText: String, caller: CallerContext
    ) async throws -> Deployment {
        var violations = FieldViolations()
        let id = violations.identifier(text, field: "service_id", as: ServiceID.self)
        let wished: ServerID? =
            serverText.isEmpty ? nil : violations.identifier(serverText, field: "server_id")
        let grant = try await grant(id, wished, violations, caller)
        guard let id else { throw Problem.serviceNotFound }
        let now = clock.now()
        return try await transactions.inTransaction { tx in
            let service = try await services.liveWithinTx(tx, id)
            guard let serverID = wished ?? service.serverID else {
                throw Problem.invalid([
                    Problem.FieldViolation(
                        field: "server_id",
                        rule: "is required: none was named when the service was created")
                ])
            }
            guard try await store.newestServerWithinTx(tx, of: id) == nil else {
                throw Problem(
                    .failedPrecondition, "the service has a deployment already; redeploy it")
            }
            let deployment = try await queue(tx, service, on: serverID, .deploy, at: now)
            try await services.chooseServerWithinTx(tx, id, serverID: serverID, at: now)
            try await audit.recordWithinTx(
                tx, AuditEntry("service.deploy", grant, id, caller, at: now))
            return Deployment(deployment)
        }
    }

    /// May the caller write the service, and is the server of its workspace?
    private func grant(
        _ id: ServiceID?, _ serverID: ServerID?, _ violations: FieldViolations,
        _ caller: CallerContext
    ) async throws -> Grant {
        guard let id else {
            _ = try await authorizer.authenticate(caller.credential)
            try violations.throwIfAny()
            throw Problem.serviceNotFound
        }
        let grant = try await authorizer.authorize(
            caller.credential, .writeServices, in: .service(id))
        try violations.throwIfAny()
        if let serverID, let environmentID = grant.environmentID {
            _ = try await authorizer.authorize(
                caller.credential, .writeServices,
                in: .environment(environmentID, server: serverID))
        }
        return grant
    }
}

extension DeployableServices {
    /// Locks a service that is not deleted.
    func liveWithinTx(_ tx: Transaction, _ id: ServiceID) async throws -> DeployableService {
        guard let service = try await lockWithinTx(tx, id) else { throw Problem.serviceNotFound }
        guard !service.isDeleted else { throw Problem(.notFound, "the service is deleted") }
        return service
    }
}

extension AuditEntry {
    /// Something that a caller did to a service.
    init(
        _ action: String, _ grant: Grant, _ serviceID: ServiceID, _ caller: CallerContext,
        at time: Timestamp
    ) {
        self.init(
            action: action, actor: grant.principal, target: .service(serviceID),
            workspaceID: grant.workspaceID, requestID: "", callID: caller.callID, at: time)
    }
}

extension Problem {
    static var serviceNotFound: Problem { Problem(.notFound, "no such service") }
}

/// Authorizes in a service that a caller names; a malformed id is told to verified callers alone.
func authorizeService(
    _ text: String, _ permission: Permission, _ authorizer: any Authorizer,
    _ caller: CallerContext
) async throws -> (id: ServiceID, grant: Grant) {
    var violations = FieldViolations()
    guard let id = violations.identifier(text, field: "service_id", as: ServiceID.self) else {
        _ = try await authorizer.authenticate(caller.credential)
        try violations.throwIfAny()
        throw Problem.serviceNotFound
    }
    return (id, try await authorizer.authorize(caller.credential, permission, in: .service(id)))
}

/// Authorizes in a deployment that a caller names; a malformed id is told to verified callers alone.
func authorizeDeployment(
    _ text: String, _ permission: Permission, _ authorizer: any Authorizer,
    _ caller: CallerContext
) async throws -> (id: DeploymentID, grant: Grant) {
    var violations = FieldViolations()
    guard let id = violations.identifier(text, field: "deployment_id", as: DeploymentID.self)
    else {
        _ = try await authorizer.authenticate(caller.credential)
        try violations.throwIfAny()
        throw Problem.deploymentNotFound
    }
    return (id, try await authorizer.authorize(caller.credential, permission, in: .deployment(id)))
}
