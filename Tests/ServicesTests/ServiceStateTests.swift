import Domain
import PostgresClient
import Testing

@testable import Services

@Suite("The state of a service is the first line that fits")
struct ServiceStateTests {
    typealias Row = (
        DeploymentState, ServiceCondition.Container, agentIsOnline: Bool, ServiceState
    )

    static func service() async throws -> Service {
        try await Bench().module.createDatabase(
            CreateDatabaseRequest(
                environmentID: Bench.environmentID, name: "orders", templateID: "postgres"),
            caller: Bench.caller
        ).status.service
    }

    @Test("of a service that lives")
    func lives() async throws {
        let service = try await Self.service()
        #expect(ServiceState(service: service, condition: nil) == .notDeployed)
        let down = ServiceCondition.Container.down("exited")
        let atWork: [DeploymentState] = [.claimed, .pulling, .starting, .verifying]
        var rows: [Row] = [
            (.queued, .none, true, .queued), (.queued, .none, false, .queued),
            (.queued, .running, true, .deploying), (.queued, down, true, .deploying),
            (.queued, .running, false, .offline),
            (.running, .running, true, .running), (.running, down, true, .crashed),
            (.running, .running, false, .offline), (.running, down, false, .offline),
        ]
        for state in atWork {
            rows += [
                (state, .none, true, .deploying), (state, .running, true, .deploying),
                (state, down, true, .deploying), (state, .none, false, .offline),
            ]
        }
        for (state, end) in [
            (DeploymentState.failed, ServiceState.failed), (.cancelled, .cancelled),
            (.superseded, .cancelled),
        ] {
            rows += [
                (state, .none, true, end), (state, .none, false, end),
                (state, .running, true, .running), (state, down, true, .crashed),
                (state, .running, false, .offline),
            ]
        }
        for (newest, container, agentIsOnline, expected) in rows {
            let condition = ServiceCondition(
                newest: newest, message: "", container: container, agentIsOnline: agentIsOnline)
            #expect(
                ServiceState(service: service, condition: condition) == expected,
                "\(newest), \(container), online: \(agentIsOnline)")
        }
    }

    @Test("of a service that was deleted, whatever its deployments say")
    func deleted() async throws {
        let conditions = DeploymentState.allCases.map {
            ServiceCondition(newest: $0, message: "", container: .running, agentIsOnline: true)
        }
        var service = try await Self.service().deleted(at: testTime)
        for condition in conditions + [nil] {
            #expect(ServiceState(service: service, condition: condition) == .deleting)
        }
        service.tornDownAt = testTime
        for condition in conditions + [nil] {
            #expect(ServiceState(service: service, condition: condition) == .deleted)
        }
        service.purgedAt = testTime
        for condition in conditions + [nil] {
            #expect(ServiceState(service: service, condition: condition) == .purged)
        }
    }

    @Test("says what there is to say")
    func messages() async throws {
        let service = try await Self.service()
        func message(
            _ newest: DeploymentState, _ container: ServiceCondition.Container, online: Bool = true
        ) -> String {
            ServiceStatus(
                of: service,
                [
                    service.id: ServiceCondition(
                        newest: newest, message: "why", container: container,
                        agentIsOnline: online)
                ]
            ).message
        }
        #expect(message(.queued, .none) == "")
        #expect(message(.queued, .none, online: false).contains("away"))
        #expect(message(.running, .running, online: false).contains("away"))
        #expect(message(.pulling, .none) == "why")
        #expect(message(.failed, .none) == "why")
        #expect(message(.running, .down("exited")) == "exited")
        #expect(message(.running, .running) == "")
        #expect(message(.failed, .running).hasSuffix("failed, the one before it runs: why"))
    }

    @Test("says why it waits or was not restarted, and without text no more than the reason's name")
    func reasons() async throws {
        let service = try await Self.service()
        func message(_ condition: ServiceCondition, showsText: Bool = true) -> String {
            ServiceStatus(of: service, [service.id: condition], showsText: showsText).message
        }
        let waiting = ServiceCondition(
            newest: .queued, message: "", container: .none, agentIsOnline: true,
            awaitsNamesake: true)
        for showsText in [true, false] {
            #expect(message(waiting, showsText: showsText).contains("deleted service"))
        }
        let failed = ServiceCondition(
            newest: .failed, message: "why", reason: "NO_SPACE", container: .none,
            agentIsOnline: true)
        #expect(message(failed) == "why")
        #expect(message(failed, showsText: false) == "NO_SPACE")
        let notRestarted = ServiceCondition(
            newest: .running, message: "", container: .running, agentIsOnline: true,
            restartFailure: ServiceCondition.RestartFailure(reason: "GONE", message: "why"))
        #expect(message(notRestarted) == "the last restart failed (GONE): why")
        #expect(message(notRestarted, showsText: false) == "the last restart failed (GONE)")
        let down = ServiceCondition(
            newest: .running, message: "", container: .down("exited"), agentIsOnline: true,
            restartFailure: ServiceCondition.RestartFailure(reason: "GONE", message: "why"))
        #expect(message(down) == "exited; the last restart failed (GONE): why")
        #expect(message(down, showsText: false) == "the last restart failed (GONE)")
    }
}

@Suite("Deleting, taking back and removing for good")
struct RetirementTests {
    @Test("what an agent touched is being deleted until the agent proves that it is gone")
    func touched() async throws {
        let bench = try Bench()
        let id = try await created(bench).id
        bench.deployments.touched = [id]
        let deleted = try await bench.module.deleteService(
            id: id.description, caller: Bench.caller)
        #expect(deleted.state == .deleting)
        #expect(deleted.service.purgeAt == testTime.advanced(by: .seconds(7 * 86_400)))
        bench.clock.time = testTime.advanced(by: .seconds(8 * 86_400))
        #expect(try await bench.module.sweepPurges() == 0)
        try await bench.store.markTornDownWithinTx(.disconnected(), id, at: bench.clock.time)
        #expect(try await bench.module.sweepPurges() == 1)
        #expect(bench.store.purgesQueued == [id])
        #expect(try await bench.module.sweepPurges() == 0)
        #expect(!bench.config.secrets(of: id).isEmpty)
    }

    @Test("what no agent touched is gone when its time is over, secrets first")
    func untouched() async throws {
        let bench = try Bench()
        let id = try await created(bench).id
        _ = try await bench.module.deleteService(id: id.description, caller: Bench.caller)
        bench.clock.time = testTime.advanced(by: .seconds(7 * 86_400 - 1))
        #expect(try await bench.module.sweepPurges() == 0)
        bench.clock.time = testTime.advanced(by: .seconds(7 * 86_400))
        #expect(try await bench.module.sweepPurges() == 1)
        #expect(bench.store.services.first?.purgedAt == bench.clock.time)
        #expect(bench.config.secrets(of: id).isEmpty)
        let gone = try await #require(throws: Problem.self) {
            _ = try await bench.module.undeleteService(id: id.description, caller: Bench.caller)
        }
        #expect(gone.kind == .failedPrecondition)
    }

    @Test("taking back asks for the permission to write, and is audited")
    func undeletes() async throws {
        let bench = try Bench()
        let id = try await created(bench).id
        let alive = try await #require(throws: Problem.self) {
            _ = try await bench.module.undeleteService(id: id.description, caller: Bench.caller)
        }
        #expect(alive.kind == .failedPrecondition)
        _ = try await bench.module.deleteService(id: id.description, caller: Bench.caller)
        let back = try await bench.module.undeleteService(
            id: id.description, caller: Bench.caller)
        #expect(back.status.state == .notDeployed)
        #expect(back.deploymentID == nil)
        #expect(bench.authorizer.asked.last?.permission == .writeServices)
        #expect(bench.audit.entries.last?.action == "service.undelete")
    }

    @Test("a watcher hears of each service once, and of what changed")
    func watches() async throws {
        let bench = try Bench()
        let id = try await created(bench).id
        bench.changes.steps = [
            {}, { bench.store.services[0] = bench.store.services[0].deleted(at: testTime) }, {},
        ]
        var sent: [[ServiceState]] = []
        await #expect(throws: CancellationError.self) {
            try await bench.module.watchServices(
                environmentID: Bench.environmentID, caller: Bench.caller
            ) { sent.append($0.map(\.state)) }
        }
        #expect(sent == [[.notDeployed], [.deleting]])
        #expect(bench.changes.cancelled == 1)
        #expect(bench.store.services.map(\.id) == [id])
    }

    private func created(_ bench: Bench) async throws -> Service {
        try await bench.module.createDatabase(
            CreateDatabaseRequest(
                environmentID: Bench.environmentID, name: "orders", templateID: "postgres"),
            caller: Bench.caller
        ).status.service
    }
}

extension FakeConfig {
    /// The secrets of a service.
    func secrets(of id: ServiceID) -> [ConfigEntryDraft] {
        (entries[id] ?? []).filter { entry in
            if case .secret = entry.value { true } else { false }
        }
    }
}
