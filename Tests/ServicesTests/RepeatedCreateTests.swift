import Domain
import PostgresClient
import Testing

@testable import Services

@Suite("A create call that is repeated")
struct RepeatedCreateTests {
    func request(_ id: String = "r-1", name: String = "orders") -> CreateDatabaseRequest {
        CreateDatabaseRequest(
            environmentID: Bench.environmentID, name: name, templateID: "postgres",
            serverID: Bench.serverID, deployNow: true, requestID: id)
    }

    @Test(
        "with the same request id and the same request gets the same answer and makes one service")
    func same() async throws {
        let bench = try Bench()
        let first = try await bench.module.createDatabase(request(), caller: Bench.caller)
        let second = try await bench.module.createDatabase(request(), caller: Bench.caller)
        #expect(first == second)
        #expect(bench.store.services.count == 1)
        #expect(bench.deployments.queued.count == 1)
        #expect(bench.audit.entries.map(\.action) == ["service.create_database"])
        #expect(bench.authorizer.asked.count == 2)
    }

    @Test("says what has become of the service since, and why")
    func tellsWhatBecame() async throws {
        let bench = try Bench()
        let first = try await bench.module.createDatabase(request(), caller: Bench.caller)
        bench.deployments.condition = ServiceCondition(
            newest: .failed, message: "the image cannot be pulled", container: .none,
            agentIsOnline: true)
        let second = try await bench.module.createDatabase(request(), caller: Bench.caller)
        #expect(second.status.state == .failed)
        #expect(second.status.message == "the image cannot be pulled")
        #expect(second.status.service == first.status.service)
        #expect(second.deploymentID == first.deploymentID)
        #expect(second.connectionURI == first.connectionURI)
    }

    @Test("finds nothing once the service is deleted, as whoever asks for its connection")
    func deleted() async throws {
        let bench = try Bench()
        let first = try await bench.module.createDatabase(request(), caller: Bench.caller)
        let id = first.status.service.id.description
        _ = try await bench.module.deleteService(id: id, caller: Bench.caller)
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(request(), caller: Bench.caller)
        }
        #expect(problem.kind == .notFound)
        #expect(problem.message.contains("deleted"))
        _ = try await bench.module.undeleteService(id: id, caller: Bench.caller)
        let again = try await bench.module.createDatabase(request(), caller: Bench.caller)
        #expect(again.connectionURI == first.connectionURI)
        #expect(bench.store.services.count == 1)
    }

    @Test("whose answer cannot be read hears that it was committed before, whatever the cause")
    func unread() async throws {
        let bench = try Bench()
        _ = try await bench.module.createDatabase(request(), caller: Bench.caller)
        for kind in [PostgresError.Kind.connectionLost, .unavailable, .poolExhausted, .closed] {
            bench.runner.sessionFailure = PostgresError(kind, function: "f", message: "m")
            let error = try await #require(throws: CreateRequestUnread.self) {
                _ = try await bench.module.createDatabase(request(), caller: Bench.caller)
            }
            #expect(error.cause.kind == kind)
        }
    }

    @Test("counts ids by value and blank credentials as empty")
    func sameMeaning() async throws {
        let bench = try Bench()
        let first = try await bench.module.createDatabase(request(), caller: Bench.caller)
        var other = request()
        other.serverID = other.serverID.uppercased()
        other.password = SecretText("  ")
        #expect(try await bench.module.createDatabase(other, caller: Bench.caller) == first)
    }

    @Test("with the same request id and another request is refused and names the field")
    func other() async throws {
        let bench = try Bench()
        _ = try await bench.module.createDatabase(request(), caller: Bench.caller)
        for changed in [
            request(name: "orders2"),
            {
                var it = request(); it.password = SecretText("a-chosen-password"); return it
            }(),
            {
                var it = request(); it.deployNow = false; return it
            }(),
        ] {
            let problem = try await #require(throws: Problem.self) {
                _ = try await bench.module.createDatabase(changed, caller: Bench.caller)
            }
            #expect(problem.kind == .alreadyExists)
            #expect(problem.violations.map(\.field) == ["request_id"])
        }
        #expect(bench.store.services.count == 1)
    }

    @Test("is authorized anew: a caller who may no longer create gets no answer")
    func authorizedAnew() async throws {
        let bench = try Bench()
        _ = try await bench.module.createDatabase(request(), caller: Bench.caller)
        bench.authorizer.refusal = Problem(.permissionDenied, "no")
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(request(), caller: Bench.caller)
        }
        #expect(problem.kind == .permissionDenied)
    }

    @Test("by another user or in another workspace is another request")
    func scoped() async throws {
        let bench = try Bench()
        let first = try await bench.module.createDatabase(request(), caller: Bench.caller)
        let grant = bench.authorizer.grant
        bench.authorizer.grant = Grant(
            principal: Principal(
                userID: UserID(high: 9, low: 9), tokenID: AccessTokenID(high: 9, low: 9)),
            role: .member, workspaceID: grant.workspaceID, projectID: grant.projectID,
            environmentID: grant.environmentID)
        let second = try await bench.module.createDatabase(request(), caller: Bench.caller)
        #expect(first.status.service.id != second.status.service.id)
        #expect(bench.store.services.count == 2)
    }

    @Test("after a day is a new request, and what was remembered is forgotten")
    func expires() async throws {
        let bench = try Bench()
        let first = try await bench.module.createDatabase(request(), caller: Bench.caller)
        bench.clock.time = testTime.advanced(by: CreateRequestMemory.duration)
        let still = try await bench.module.createDatabase(request(), caller: Bench.caller)
        #expect(first.status.service.id == still.status.service.id)
        bench.clock.time = bench.clock.time.advanced(by: .microseconds(1))
        let second = try await bench.module.createDatabase(request(), caller: Bench.caller)
        #expect(first.status.service.id != second.status.service.id)
        #expect(bench.requests.stored.count == 1)
    }

    @Test("is swept after a day, a batch at a time")
    func sweeps() async throws {
        let bench = try Bench()
        for index in 0..<3 {
            _ = try await bench.module.createDatabase(
                request("r-\(index)", name: "db\(index)"), caller: Bench.caller)
        }
        #expect(try await bench.module.sweepCreateRequests() == 0)
        bench.clock.time = testTime.advanced(by: .seconds(24 * 60 * 60 + 1))
        #expect(try await bench.module.sweepCreateRequests() == 3)
        #expect(bench.requests.stored.isEmpty)
    }

    @Test("without a request id makes another service")
    func withoutID() async throws {
        let bench = try Bench()
        _ = try await bench.module.createDatabase(request("", name: "a"), caller: Bench.caller)
        _ = try await bench.module.createDatabase(request("", name: "b"), caller: Bench.caller)
        #expect(bench.store.services.count == 2)
        #expect(bench.requests.stored.isEmpty)
    }

    @Test("past the workspace's quota is refused and says which quota")
    func quota() async throws {
        let bench = try Bench(servicesMax: 1)
        _ = try await bench.module.createDatabase(request("", name: "a"), caller: Bench.caller)
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(request("", name: "b"), caller: Bench.caller)
        }
        #expect(problem.kind == .resourceExhausted)
        #expect(problem.message.contains("services_per_workspace_max"))
    }

    @Test("canonical bytes of different requests differ, also where fields run into each other")
    func canonical() {
        var left = request(name: "ab")
        left.databaseName = "c"
        var right = request(name: "a")
        right.databaseName = "bc"
        #expect(left.canonicalBytes != right.canonicalBytes)
    }
}
