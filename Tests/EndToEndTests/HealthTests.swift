import Glibc
import TestSupport
import Testing

/// grpc.health.v1, as foreign clients ask it.
@Suite struct HealthTests {
    static let names = [
        "", "berth.controlplane.v1.ServiceService", "berth.controlplane.v1.DeploymentService",
        "berth.controlplane.v1.ConfigService", "berth.controlplane.v1.ServerService",
        "berth.agent.v1.AgentService",
    ]

    static func check(_ name: String, on server: Berthd) throws -> JSON {
        let request = JSON.object(["service": .string(name)])
        let finished = try Grpcurl.run(
            ["-format-error", "-d", "@"], server, ["grpc.health.v1.Health/Check"],
            input: request.text)
        return try JSON(
            parsing: finished.exitCode == 0 ? finished.standardOutput : finished.standardError)
    }

    /// Waits until the server says that it serves: each loop asks PostgreSQL for itself.
    static func awaitServing(_ name: String = "", on server: Berthd) throws {
        try eventually("SERVING of \"\(name)\"") {
            try check(name, on: server) == ["status": "SERVING"]
        }
    }

    @Test("the server and each of its services are serving, without a token", arguments: names)
    func check(_ name: String) throws {
        try Self.awaitServing(name, on: try Stage.shared().server)
    }

    @Test("an unknown service is not found")
    func unknown() throws {
        let status = try Self.check("berth.none", on: try Stage.shared().server)
        #expect(status["code"] == 5)
    }

    @Test("all statuses are listed")
    func list() throws {
        let server = try Stage.shared().server
        let expected = JSON.object(
            Dictionary(uniqueKeysWithValues: Self.names.map { ($0, ["status": "SERVING"]) }))
        try eventually("all statuses") {
            let finished = try Grpcurl.run([], server, ["grpc.health.v1.Health/List"])
            return try JSON(parsing: finished.standardOutput)["statuses"] == expected
        }
    }

    @Test("a watch tells the status at once, and tells grpcio when the server stops")
    func watch() throws {
        var options = try Installation().options
        // One loop, which says that it serves before it is watched; and far more than the end may take.
        options.arguments = ["--loops", "1", "--drain-grace-max", "600s"]
        let server = try Berthd(options)
        try Self.awaitServing(on: server)
        let client = try GrpcioClient(server)
        let first = try client.ask(["watch": "", "count": 10])
        #expect(first["status"] == "SERVING")
        server.process.signal(SIGTERM)
        let second = try client.nextAnswer()
        #expect(second["status"] == "NOT_SERVING")
        let end = try client.nextAnswer()
        #expect(end["statuses"] == ["SERVING", "NOT_SERVING"])
        #expect(end["code"] == "UNAVAILABLE")
        #expect(try server.process.exitCode() == 0, "no watcher holds up the end")
    }

    @Test("a watch of a service that is unknown says so and stays")
    func watchUnknown() throws {
        let finished = try Grpcurl.run(
            ["-format-error", "-max-time", "10", "-d", "@"], try Stage.shared().server,
            ["grpc.health.v1.Health/Watch"], input: "{\"service\": \"berth.none\"}")
        #expect(try JSON(parsing: finished.standardOutput) == ["status": "SERVICE_UNKNOWN"])
        #expect(finished.exitCode == 64 + 4, "the deadline ended it")
    }

    @Test("without PostgreSQL nothing serves and calls fail at once; with it again, all is well")
    func database() throws {
        let cluster = try TestPostgres()
        let installation = try Installation(in: cluster)
        let server = try Berthd(installation.options)
        func call() throws -> Answer {
            try Client.grpcurl.call(
                "ServiceService/ListServices",
                ["environmentId": .string(installation.environmentID)],
                token: installation.ownerToken, on: server)
        }
        func status() throws -> JSON { try Self.check("", on: server) }
        #expect(try call().code == "OK")
        try cluster.stop("immediate")
        try eventually("NOT_SERVING") { try status() == ["status": "NOT_SERVING"] }
        // A busy machine may make one late, but not each.
        try eventually("a call that is refused within 2 seconds") {
            let begin = ContinuousClock.now
            let refused = try call()
            #expect(refused.code == "UNAVAILABLE", "\(refused.message)")
            return begin.duration(to: .now) < .seconds(2)
        }
        try cluster.start()
        try eventually("SERVING") { try status() == ["status": "SERVING"] }
        // Each loop notices for itself; this call may come to another.
        try eventually("a call to be served") { try call().code == "OK" }
        #expect(try server.stop() == 0)
    }
}
