import Deployments
import Domain
import PostgresClient
import Services
import Testing

@testable import ControlPlane

/// No secret of a service gets into what people read of it.
@Suite struct EngineSecrecyTests {
    @Test("an agent's messages are stored without the service's secrets, in whatever state")
    func messages() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            var request = CreateDatabaseRequest.sample(database.tenancy)
            request.password = SecretText("sp%cial/Pass word".filter { $0 != " " })
            let password = request.password.revealed
            let created = try await engine.modules.services.createDatabase(
                request, caller: engine.caller)
            let service = created.status.service.id
            let deployment = try #require(created.deploymentID)
            let uri = created.connectionURI.revealed
            let job = try await agent.claimOne()
            let text = "tried '\(password)' and \(uri)\nthen \(password)\(password)"
            for state in [JobProgress.State.pulling, .starting, .verifying] {
                #expect(try await agent.tell(job, state, text))
            }
            #expect(
                try await agent.tell(
                    job, .failed, text, failure: JobFailure(reason: password, hint: text)))
            let history = try await engine.history(deployment)
            #expect(history.deployment.failure?.reason == "UNKNOWN")
            let message = history.deployment.message
            #expect(message.hasPrefix("tried '[redacted]' and postgresql://berth:[redacted]@"))
            #expect(message.hasSuffix(" then [redacted][redacted]"))

            _ = try await engine.redeploy(service)
            let second = try await agent.claimOne()
            #expect(try await agent.tell(second, .succeeded, text, outcome: .sample))
            guard case .deploy(let order) = second.kind else { return }
            try await agent.observe([
                agent.container(service, order.deploymentID, .exited, text)
            ])
            let crashed = try await engine.status(service)
            #expect(crashed.state == .crashed)
            #expect(crashed.message.contains("[redacted]"))
            _ = try await engine.delete(service)
            #expect(try await agent.tell(try await agent.claimOne(), .failed, text))

            for table in ["deployments", "deployment_events", "instances", "service_jobs"] {
                let rows = try database.run("SELECT t::text FROM \(table) t")
                #expect(!rows.isEmpty)
                for disguise in SecrecyTests.disguises(of: password) {
                    #expect(!rows.contains(disguise), "\(table) holds it")
                }
            }
            #expect("\(second)".contains("<secret>"))
            #expect(!"\(second)".contains(password))
        }
    }

    @Test("a message is one line of bounded length, cut after its secrets were replaced")
    func bounded() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            let password = try await engine.modules.services.revealConnection(
                id: service.description, caller: engine.caller
            ).password.revealed
            let job = try await agent.claimOne()
            let text = String(repeating: "x", count: 2048 - 5) + password
            #expect(try await agent.tell(job, .pulling, "  a\u{0}b\r\n" + text))
            let message = try await engine.history(deployment).deployment.message
            #expect(message.utf8.count <= 2048)
            #expect(message.hasPrefix("a b"))
            #expect(!message.contains(password.prefix(4)))
        }
    }

    @Test("messages of one state are noted up to a limit, moves always")
    func manyMessages() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            for percent in 0..<110 {
                #expect(try await agent.tell(job, .pulling, "\(percent) of 110"))
            }
            #expect(try await agent.tell(job, .verifying, "almost"))
            let history = try await engine.history(deployment)
            #expect(history.events.count == 102)
            #expect(history.events.last?.message == "almost")
        }
    }

    @Test("when the secrets cannot be read the order is impossible, and messages are withheld")
    func unreadable() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            try database.run(
                "UPDATE config_entries SET sealing_key_id = 'other' WHERE kind = 'secret'")
            #expect(try await agent.claim().isEmpty)
            let failed = try await engine.history(deployment).deployment
            #expect(failed.state == .failed)
            #expect(failed.failure?.reason == "ORDER_IMPOSSIBLE")
            // No agent ever began it.
            #expect(try database.count("service_jobs") == 0)
            #expect(failed.message.contains("withheld"))
        }
    }
}
