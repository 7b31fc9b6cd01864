import Glibc
import TestSupport
import Testing

/// A service from its creation to the end of its data.
@Suite struct LifecycleTests {
    @Test("deleted: nothing is left but the volume; undeleted: the data is back; purged: gone")
    func deleteUndeletePurge() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let id: JSON = ["serviceId": .string(database.serviceID)]
        let deleted = try harbour.call("ServiceService/DeleteService", id)["service"]
        #expect(!deleted["purgeTime"].string.isEmpty)
        try harbour.await("DELETED", of: database)
        #expect(try Docker.containers(of: database.serviceID).isEmpty)
        #expect(try Docker.volumes(of: database.serviceID).count == 1)
        #expect(
            try Docker.lines([
                "network", "ls", "--quiet", "--filter",
                "label=berth.environment=\(database.environmentID)",
            ]).isEmpty, "the environment's network goes with its last container")

        let undeleted = try harbour.call("ServiceService/UndeleteService", id)
        #expect(try harbour.outcome(of: undeleted["deploymentId"].string) == "RUNNING")
        #expect(try harbour.query("SELECT answer FROM kept", database) == "42")

        try harbour.call("ServiceService/DeleteService", id)
        try harbour.await("DELETED", of: database)
        // Seven days go by.
        try harbour.installation.run(
            sql:
                "UPDATE services SET purge_at = now() - interval '1 s' WHERE id = '\(database.serviceID)'"
        )
        try harbour.await("PURGED", of: database, within: .seconds(300))
        #expect(try Docker.volumes(of: database.serviceID).isEmpty)
        #expect(
            try harbour.installation.run(
                sql:
                    "SELECT count(*) FROM config_entries WHERE kind = 'secret' AND service_id = '\(database.serviceID)'"
            )
                == "0")
        let late = try Client.grpcurl.call(
            "ServiceService/UndeleteService", id, token: harbour.installation.ownerToken,
            on: harbour.server)
        #expect(late.code == "FAILED_PRECONDITION")
    }

    @Test("deleted and made anew under its name: at no time do two databases answer to it")
    func namesake() throws {
        let harbour = try Harbour()
        let old = try harbour.createRunning("main")
        try harbour.query("CREATE TABLE whose AS SELECT 'old' AS name", old)
        // What the old one has is there for as long as its agent is away.
        try harbour.agent.end(SIGKILL)
        try harbour.call("ServiceService/DeleteService", ["serviceId": .string(old.serviceID)])
        let new = try harbour.create("main")
        #expect(new.slug == old.slug)
        #expect(try Docker.containers(of: old.serviceID).count == 1)
        try harbour.agent.start()
        var most = 0
        try eventually(within: .seconds(180), "the new one to run: \(harbour.agent.log)") {
            // In this order: what is seen of the old one's is there later than the new one's.
            let news = try Docker.containers(of: new.serviceID).count
            let olds = try Docker.containers(of: old.serviceID).count
            if news > 0 { most = max(most, olds) }
            return try harbour.service(new)["state"].string == "SERVICE_STATE_RUNNING"
        }
        #expect(most == 0, "the new one's container beside one of the deleted one")
        try harbour.await("DELETED", of: old)
        #expect(
            try harbour.query(
                "SELECT count(*) FROM pg_tables WHERE tablename = 'whose'", new) == "0")
    }

    @Test("restarted: a new start of the same container, with the same data")
    func restart() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let container = try #require(try Docker.containers(of: database.serviceID).first)
        let started = try Docker.inspect(container, "{{.State.StartedAt}}")
        try harbour.call(
            "DeploymentService/RestartService", ["serviceId": .string(database.serviceID)])
        try eventually("the restart") {
            try Docker.inspect(container, "{{.State.StartedAt}} {{.State.Running}}")
                != "\(started) true"
                && Docker.inspect(container, "{{.State.Running}}") == "true"
        }
        try harbour.await("RUNNING", of: database)
        try harbour.awaitAnswer("42", to: "SELECT answer FROM kept", of: database)
        #expect(!harbour.agent.log.contains("password file"), "libpq prints to its error output")
    }

    @Test("a container that is killed by hand comes back, and one that is removed too")
    func killedByHand() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        for command in [["kill"], ["rm", "--force"]] {
            let container = try #require(try Docker.containers(of: database.serviceID).first)
            try Docker.succeed(command + [container])
            try harbour.awaitAnswer("42", to: "SELECT answer FROM kept", of: database)
            try harbour.await("RUNNING", of: database)
        }
        #expect(try Docker.containers(of: database.serviceID).count == 1)
    }

    @Test("an agent that is away makes its services OFFLINE, and its return RUNNING again")
    func offline() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        try harbour.agent.end(SIGTERM)
        try harbour.await("OFFLINE", of: database)
        let server = try harbour.call(
            "ServerService/GetServer", ["serverId": .string(harbour.installation.serverID)])[
                "server"]
        #expect(server["online"] != true)
        #expect(!server["dockerVersion"].string.isEmpty)
        // The database itself never stopped.
        #expect(try harbour.query("SELECT 1", database) == "1")
        try harbour.agent.start()
        try harbour.await("RUNNING", of: database)
    }

    @Test("two control planes on one database, an agent on each: every service runs once")
    func twoControlPlanes() throws {
        let harbour = try Harbour()
        let other = try harbour.anotherServer()
        let server = try harbour.call(
            "ServerService/CreateServer",
            ["workspaceId": .string(harbour.installation.workspaceID), "name": "second"])["server"]
        let token = try harbour.call(
            "ServerService/CreateRegistrationToken", ["serverId": server["id"]])
        let agent = try AgentProcess(
            of: other, serverID: server["id"].string, token: token["registrationToken"].string)
        let environment = try harbour.installation.addEnvironment()
        var databases: [Harbour.Database] = []
        for index in 0..<6 {
            databases.append(
                try index.isMultiple(of: 2)
                    ? harbour.create()
                    : harbour.create(environmentID: environment, serverID: agent.serverID))
        }
        for database in databases { try harbour.await("RUNNING", of: database) }
        for database in databases {
            #expect(try Docker.containers(of: database.serviceID).count == 1)
            let deployment = try harbour.deployment(database.deploymentID)
            #expect(deployment["attempt"] == 1, "\(deployment)")
            #expect(try harbour.query("SELECT 1", database) == "1")
        }
        let pinned = try Client.grpcurl.call(
            "ServiceService/CreateDatabaseService",
            [
                "environmentId": .string(environment), "name": "elsewhere",
                "templateId": "postgres", "deployNow": true,
                "serverId": .string(harbour.installation.serverID),
            ], token: harbour.installation.ownerToken, on: harbour.server)
        #expect(pinned.code == "FAILED_PRECONDITION")
        #expect(pinned.message.contains("second"), "\(pinned.message)")
        #expect(try other.stop() == 0)
    }

    @Test("logs reach the caller, without the password")
    func logs() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        try harbour.expectLogsWithoutPassword(of: database)
    }
}
