import Domain
import PostgresClient

/// Hands work to a server's agent: claims it in one short transaction, then gathers what it needs.
struct ClaimWork {
    let transactions: any TransactionRunner
    let sessions: any SessionRunner
    let store: any ClaimStore
    let orders: OrderBuilder
    let record: RecordProgress

    /// The jobs, in the order to send them; a cancel comes after the job that it is about.
    func callAsFunction(_ holder: LeaseHolder, limit: Int) async throws -> ClaimedWork {
        let (claims, cancels, pauseLeft) = try await claim(holder, limit)
        var jobs: [AgentJob] = []
        for (reference, serviceID, order) in try await deployOrders(claims.deployments) {
            switch order {
            case .success(let order):
                jobs.append(
                    AgentJob(reference: reference, serviceID: serviceID, kind: .deploy(order)))
            case .failure(let problem):
                try await fail(holder, reference, serviceID, problem)
            }
        }
        for claimed in claims.jobs {
            guard let kind = try await kind(of: claimed, holder) else { continue }
            jobs.append(
                AgentJob(
                    reference: claimed.reference, serviceID: claimed.serviceID, kind: kind))
        }
        jobs += cancels.map {
            AgentJob(reference: $0.reference, serviceID: $0.serviceID, kind: .cancel)
        }
        return ClaimedWork(jobs: jobs, pauseLeft: pauseLeft)
    }

    private typealias Claimed = (
        Claims, cancels: [(reference: JobReference, serviceID: ServiceID)], pauseLeft: Duration?
    )

    private func claim(_ holder: LeaseHolder, _ limit: Int) async throws -> Claimed {
        try await transactions.inTransaction { tx in
            guard let held = try await store.heldByNewestWithinTx(tx, holder) else {
                return (Claims.none, [], nil)
            }
            let room = min(limit, EngineLimits.jobsPerAgentMax - held)
            let claims =
                room > 0
                ? try await store.claimWithinTx(tx, holder, limit: room) : Claims.none
            let pauseLeft = store.pauseLeftWithinTx(tx, holder)
            let cancels = try await store.cancelsWithinTx(tx, holder)
            for notice in claims.notices { tx.notify(notice) }
            return (claims, cancels, try await pauseLeft.value())
        }
    }

    private typealias Order = (JobReference, ServiceID, Result<DeployOrder, Problem>)

    /// Reads what all of the orders need in one round trip.
    private func deployOrders(_ claimed: [Claims.ClaimedDeployment]) async throws -> [Order] {
        guard !claimed.isEmpty else { return [] }
        return try await sessions.inSession { session in
            let asked = claimed.map { orders.ask($0.serviceID, $0.environmentID, in: session) }
            var result: [Order] = []
            for (claimed, asked) in zip(claimed, asked) {
                let order: Result<DeployOrder, Problem>
                do {
                    order = .success(try await orders.deploy(claimed, asked))
                } catch let problem as Problem {
                    order = .failure(problem)
                }
                result.append((claimed.reference, claimed.serviceID, order))
            }
            return result
        }
    }

    private func kind(
        of claimed: Claims.ClaimedJob, _ holder: LeaseHolder
    ) async throws -> AgentJob.Kind? {
        switch claimed.kind {
        case .teardown:
            return .teardown(
                TeardownOrder(
                    environmentID: claimed.environmentID, timeouts: orders.timeouts))
        case .purge:
            let volume = try await sessions.inSession { session in
                try await orders.instances.volume(of: claimed.serviceID, in: session).value()
            }
            return volume.map {
                .purge(volumeName: $0.name, environmentID: claimed.environmentID)
            }
        case .undo: return .cancel
        case .restart:
            do {
                return .restart(
                    try await sessions.inSession { session in
                        let asked = orders.ask(
                            claimed.serviceID, claimed.environmentID, in: session)
                        return try await orders.restart(claimed, asked)
                    })
            } catch let problem as Problem {
                try await fail(holder, claimed.reference, claimed.serviceID, problem)
                return nil
            }
        }
    }

    /// What cannot be ordered will not be the next time either.
    private func fail(
        _ holder: LeaseHolder, _ reference: JobReference, _ serviceID: ServiceID,
        _ problem: Problem
    ) async throws {
        _ = try await record(
            holder,
            JobProgress(
                reference: reference, serviceID: serviceID, state: .failed,
                message: problem.message,
                failure: JobFailure(
                    reason: "ORDER_IMPOSSIBLE",
                    hint: "Look at the service's config entries and at berthd's catalogue.")),
            isAgents: false)
    }
}

extension Claims {
    static var none: Claims { Claims(deployments: [], jobs: [], notices: []) }
}

extension Claims.ClaimedDeployment {
    var reference: JobReference {
        JobReference(jobID: JobID(of: id), fencingToken: fencingToken)
    }
}

extension JobID {
    /// A deployment's own job has the deployment's id.
    init(of deployment: DeploymentID) { self.init(high: deployment.high, low: deployment.low) }
}

extension Transaction {
    /// Tells of a change once it is committed.
    func notify(_ notice: ChangeNotice) {
        notifyAfterCommit(ChangeNotice.channel, notice.payload)
    }
}
