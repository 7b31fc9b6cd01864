import Foundation
import Glibc
import TestSupport
import Testing

/// Images that do not become a database: FAILED with a reason, never RUNNING.
@Suite struct FailureTests {
    /// An image and what its deployment must say.
    struct BadImage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The lines after `FROM`.
        let dockerfile: String
        let reason: String
        let message: String
        /// How long it may take to a login.
        let startSecondsMax: Int
    }

    static let images = [
        BadImage(
            testDescription: "exits at once",
            dockerfile: #"ENTRYPOINT ["/bin/sh", "-c", "echo the last words >&2; exit 3"]"#,
            reason: "CONTAINER_EXITED", message: "the last words",
            startSecondsMax: 60),
        BadImage(
            testDescription: "hangs", dockerfile: #"ENTRYPOINT ["/bin/sleep", "1000"]"#,
            reason: "START_TIMEOUT", message: "No login succeeded in time", startSecondsMax: 5),
        BadImage(
            testDescription: "accepts connections and refuses logins",
            dockerfile: """
                ENTRYPOINT ["/bin/sh", "-c", "export POSTGRES_PASSWORD=another-password-entirely; exec entrypoint postgres"]
                """, reason: "LOGIN_REFUSED", message: "password", startSecondsMax: 60),
        BadImage(
            testDescription: "lets everyone in",
            dockerfile: #"""
                ENTRYPOINT ["/bin/sh", "-c", "echo host all all all trust > /tmp/hba; exec entrypoint postgres -c hba_file=/tmp/hba"]
                """#, reason: "PASSWORD_NOT_REQUIRED", message: "without asking",
            startSecondsMax: 60),
    ]

    @Test("an image that", arguments: images)
    func badImage(_ image: BadImage) throws {
        let name = "berth-test-bad-\(Stage.uniqueName())"
        try Docker.build(name, "FROM \(try Harbour.image)\n\(image.dockerfile)\n")
        defer { _ = try? Docker.run(["rmi", "--force", name]) }
        let harbour = try Harbour(
            image: name, arguments: ["--database-start-seconds-max", "\(image.startSecondsMax)"])
        let database = try harbour.create()
        #expect(try harbour.outcome(of: database.deploymentID) == "FAILED")
        let deployment = try harbour.deployment(database.deploymentID)
        #expect(deployment["failureReason"].string == image.reason, "\(deployment)")
        #expect(!deployment["failureHint"].string.isEmpty)
        #expect(deployment["message"].string.contains(image.message), "\(deployment)")
        let states = deployment["events"].elements.map(\.["state"].string)
        #expect(!states.contains("DEPLOYMENT_STATE_RUNNING"))
        #expect(try harbour.service(database)["state"].string == "SERVICE_STATE_FAILED")
        #expect(try Docker.containers(of: database.serviceID).isEmpty, "nothing of it is left")
    }

    @Test("an image that is nowhere")
    func unknownImage() throws {
        let harbour = try Harbour(image: "berth-test.invalid/none:1")
        let database = try harbour.create()
        #expect(try harbour.outcome(of: database.deploymentID) == "FAILED")
        let deployment = try harbour.deployment(database.deploymentID)
        #expect(
            ["IMAGE_NOT_FOUND", "PULL_FAILED"].contains(deployment["failureReason"].string),
            "\(deployment)")
    }

    @Test("a volume that was emptied is never initialised again")
    func emptiedVolume() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        let volume = try #require(try Docker.volumes(of: database.serviceID).first)
        // While its agent is there a container comes back a few seconds after it was removed.
        try harbour.agent.end(SIGTERM)
        for container in try Docker.containers(of: database.serviceID) {
            try Docker.succeed(["rm", "--force", container])
        }
        try Docker.empty(volume)
        let deployment = try harbour.redeploy(database)
        try harbour.agent.start()
        #expect(try harbour.outcome(of: deployment) == "FAILED")
        #expect(try harbour.deployment(deployment)["failureReason"].string == "DATA_MISSING")
        let left = try Docker.succeed([
            "run", "--rm", "--volume", "\(volume):/data", "--entrypoint", "/bin/sh",
            try Harbour.image, "-c", "ls -A /data | wc -l",
        ])
        #expect(left == "0")
    }

    @Test("a volume that is emptied under its database is not initialised by whatever starts that")
    func emptiedUnderDatabase() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let container = try #require(try Docker.containers(of: database.serviceID).first)
        try Docker.empty(try #require(try Docker.volumes(of: database.serviceID).first))
        let id: JSON = ["serviceId": .string(database.serviceID)]
        func told(_ text: String) throws {
            var last: JSON = .null
            try eventually("\(text): \(harbour.agent.log)") {
                last = try harbour.service(database)
                return last["stateMessage"].string.contains(text)
            }
        }
        // Stopped, the database would take its last files with it.
        try harbour.call("DeploymentService/RestartService", id)
        try told("the last restart failed (DATA_MISSING)")
        if try Docker.inspect(container, "{{.State.Running}}") != "true" {
            // Nobody has stopped it: PostgreSQL looks for its lock file once a minute.
            let log = try Docker.run(["logs", container])
            #expect(
                (log.standardOutput + log.standardError)
                    .contains("data directory lock file is invalid"))
        }

        try Docker.run(["kill", container])
        try told("DATA_MISSING: The volume")
        try harbour.await("CRASHED", of: database)
        try harbour.call("DeploymentService/RestartService", id)
        let deployment = try harbour.redeploy(database)
        #expect(try harbour.outcome(of: deployment) == "FAILED")
        #expect(try harbour.deployment(deployment)["failureReason"].string == "DATA_MISSING")
        try harbour.await("CRASHED", of: database)
        #expect(try Docker.containers(of: database.serviceID) == [container])
        #expect(try Docker.inspect(container, "{{.State.Running}}") == "false")
        let volume = try #require(try Docker.volumes(of: database.serviceID).first)
        let left = try Docker.succeed([
            "run", "--rm", "--volume", "\(volume):/data", "--entrypoint", "/bin/sh",
            try Harbour.image, "-c", "find /data -name PG_VERSION | wc -l",
        ])
        #expect(left == "0")
    }
}
