import Domain
import Testing

@testable import Services

@Suite("CreateDatabase")
struct CreateDatabaseTests {
    func request(
        name: String = "Orders DB", template: String = "postgres", server: String = Bench.serverID,
        deployNow: Bool = true, environment: String = Bench.environmentID
    ) -> CreateDatabaseRequest {
        CreateDatabaseRequest(
            environmentID: environment, name: name, templateID: template, serverID: server,
            deployNow: deployNow)
    }

    @Test("provisions a private service with credentials, first deployment and audit event")
    func provisions() async throws {
        let bench = try Bench()
        let created = try await bench.module.createDatabase(request(), caller: Bench.caller)

        let service = try #require(bench.store.services.first)
        #expect(bench.store.services.count == 1)
        #expect(service == created.status.service)
        #expect(service.slug.description == "orders-db")
        #expect(service.image == "postgres:16-alpine")
        #expect(service.port == 5432)
        #expect(service.visibility == .private)
        #expect(service.source == .template("postgres"))
        #expect(created.status.state == .queued)
        #expect(
            bench.config.entries[service.id] == [
                ConfigEntryDraft(key: "POSTGRES_USER", value: .variable("berth")),
                ConfigEntryDraft(key: "POSTGRES_DB", value: .variable("app")),
                ConfigEntryDraft(
                    key: "POSTGRES_PASSWORD",
                    value: .secret(SecretText("generated-password-generated"))),
            ])
        let deployment = try #require(bench.deployments.queued.first)
        #expect(deployment.id == created.deploymentID)
        #expect(deployment.serviceID == service.id)
        #expect(deployment.serverID == ServerID(Bench.serverID))
        #expect(
            bench.audit.entries == [
                AuditEntry(
                    action: "service.create_database", actor: bench.authorizer.grant.principal,
                    target: .service(service.id),
                    workspaceID: bench.authorizer.grant.workspaceID, requestID: "",
                    callID: "call-1", at: testTime)
            ])
        #expect(bench.runner.transactions == 1)
        #expect(
            created.connectionURI.revealed
                == "postgresql://berth:generated-password-generated@orders-db:5432/app")
    }

    @Test("without deploy_now makes credentials and no deployment")
    func withoutDeployNow() async throws {
        let bench = try Bench()
        let created = try await bench.module.createDatabase(
            request(server: "", deployNow: false), caller: Bench.caller)
        #expect(created.deploymentID == nil)
        #expect(created.status.state == .notDeployed)
        #expect(bench.deployments.queued.isEmpty)
        #expect(bench.config.entries[created.status.service.id]?.count == 3)
        #expect(created.connectionURI.revealed.hasPrefix("postgresql://berth:"))
        #expect(bench.audit.entries.count == 1)
    }

    @Test("refuses an unknown template with the list of the known ones, and writes nothing")
    func unknownTemplate() async throws {
        let bench = try Bench()
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(
                request(template: "mysql"), caller: Bench.caller)
        }
        #expect(problem.kind == .invalidArgument)
        #expect(
            problem.violations == [
                Problem.FieldViolation(field: "template_id", rule: "must be one of: postgres")
            ])
        #expect(bench.isUntouched)
    }

    @Test("a denied call writes nothing, not even audit")
    func denied() async throws {
        let bench = try Bench()
        bench.authorizer.refusal = Problem(.permissionDenied, "no")
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(request(), caller: Bench.caller)
        }
        #expect(problem.kind == .permissionDenied)
        #expect(bench.isUntouched)
    }

    @Test("authorizes before it tells of any field error")
    func authorizationFirst() async throws {
        let bench = try Bench()
        bench.authorizer.refusal = Problem(.notFound, "no such environment")
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(
                request(name: "", template: "?"), caller: Bench.caller)
        }
        #expect(problem.kind == .notFound)
        #expect(
            bench.authorizer.asked == [
                FakeAuthorizer.Asked(
                    permission: .writeServices,
                    scope: .environment(
                        EnvironmentID(high: 2, low: 3), server: ServerID(high: 3, low: 1)))
            ])
    }

    @Test("without a usable environment the caller is known before any field error is told")
    func malformedEnvironment() async throws {
        let bench = try Bench()
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(
                request(name: "", environment: "nope"), caller: Bench.caller)
        }
        #expect(bench.authorizer.authenticated == 1)
        #expect(problem.violations.map(\.field) == ["environment_id", "name"])

        bench.authorizer.refusal = Problem(.unauthenticated, "who?")
        let refused = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(
                request(environment: ""), caller: Bench.caller)
        }
        #expect(refused.kind == .unauthenticated)
    }

    @Test("tells every field error at once, in the request's order")
    func everyViolation() async throws {
        let bench = try Bench()
        var bad = request(name: "1st", template: "redis", server: "", deployNow: true)
        bad.databaseName = "template1"
        bad.username = "pg_admin"
        bad.password = SecretText("short")
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(bad, caller: Bench.caller)
        }
        #expect(
            problem.violations.map(\.field) == [
                "name", "template_id", "server_id", "database_name", "username", "password",
            ])
        #expect(!problem.message.contains("short"))
        #expect(bench.isUntouched)
    }

    @Test(
        "refuses a name or a request id that holds what cannot be seen in one line",
        arguments: [
            "\n", "\u{1B}", "\u{85}", "\u{9B}", "\u{2028}", "\u{2029}", "\u{202E}", "\u{2066}",
        ])
    func unreadable(character: String) async throws {
        let bench = try Bench()
        var bad = request(name: "orders\(character)db")
        bad.requestID = "retry\(character)1"
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(bad, caller: Bench.caller)
        }
        #expect(
            problem.violations == [
                Problem.FieldViolation(field: "name", rule: PlainText.rule),
                Problem.FieldViolation(field: "request_id", rule: PlainText.rule),
            ])
        #expect(bench.isUntouched)
    }

    @Test("takes a name and a request id of any script")
    func anyScript() async throws {
        let bench = try Bench()
        var wish = request(name: "orders заказы 👩‍👩‍👧")
        wish.requestID = "повтор 1"
        let created = try await bench.module.createDatabase(wish, caller: Bench.caller)
        #expect(created.status.service.name == wish.name)
        #expect(bench.audit.entries.first?.requestID == wish.requestID)
    }

    @Test("tells what else is wrong beside an unknown template, whatever the password")
    func unknownTemplateAndMore() async throws {
        let bench = try Bench()
        var bad = request(name: "", template: "redis")
        bad.password = SecretText("short")
        let problem = try await #require(throws: Problem.self) {
            _ = try await bench.module.createDatabase(bad, caller: Bench.caller)
        }
        #expect(problem.violations.map(\.field) == ["name", "template_id", "password"])
    }

    @Test("keeps chosen credentials and passes a server along when not deploying")
    func chosenCredentials() async throws {
        let bench = try Bench()
        var wish = request(deployNow: false)
        wish.databaseName = "Orders_1"
        wish.username = "_o"
        wish.password = SecretText("p@ss:w/rd?#[]%")
        let created = try await bench.module.createDatabase(wish, caller: Bench.caller)
        #expect(created.status.service.serverID == ServerID(Bench.serverID))
        #expect(
            created.connectionURI.revealed
                == "postgresql://_o:p%40ss%3Aw%2Frd%3F%23%5B%5D%25@orders-db:5432/Orders_1")
    }

    @Test("takes blank and white credentials as no choice", arguments: ["", " ", "\t \n"])
    func blankCredentials(blank: String) async throws {
        let bench = try Bench()
        var wish = request(deployNow: false)
        wish.databaseName = blank
        wish.username = blank
        wish.password = SecretText(blank)
        let created = try await bench.module.createDatabase(wish, caller: Bench.caller)
        #expect(
            created.connectionURI.revealed
                == "postgresql://berth:generated-password-generated@orders-db:5432/app")
    }
}
