import Glibc
import TestSupport
import Testing

/// A deployment that the control plane gives up, because its agent was lost too often, ends as one
/// whose failure the agent reports.
@Suite struct LostDeploymentTests {
    @Test("what it made is removed and what ran before runs again, as soon as the agent is back")
    func undone() throws {
        // A start that takes too long would end the deployment as well.
        let harbour = try Harbour(arguments: ["--database-start-seconds-max", "900"])
        let database = try harbour.createRunning()
        try harbour.query("CREATE TABLE kept AS SELECT 42 AS answer", database)
        let before = try #require(try Docker.containers(of: database.serviceID).first)
        // The next deployment's image never becomes a database: the agent waits for its login.
        let image = "berth-test-lost-\(Stage.uniqueName())"
        try Docker.build(
            image, "FROM \(try Harbour.image)\nENTRYPOINT [\"/bin/sleep\", \"1000\"]\n")
        defer { _ = try? Docker.run(["rmi", "--force", image]) }
        try harbour.installation.run(sql: "UPDATE services SET image = '\(image)'")
        let deployment = try harbour.redeploy(database)
        try eventually("the new container beside the old one, which is stopped") {
            try harbour.deployment(deployment)["state"].string == "DEPLOYMENT_STATE_VERIFYING"
        }
        #expect(try Docker.containers(of: database.serviceID).count == 2)
        #expect(try Docker.inspect(before, "{{.State.Running}}") == "false")

        // Nine times before, let us say; now for the tenth.
        try harbour.installation.run(
            sql: "UPDATE deployments SET attempt = 10 WHERE id = '\(deployment)'")
        try harbour.agent.end(SIGKILL)
        try harbour.agent.start()
        #expect(try harbour.outcome(of: deployment) == "FAILED")
        #expect(try harbour.deployment(deployment)["failureReason"].string == "AGENT_LOST")
        try eventually("the container of before, alone and running: \(harbour.agent.log)") {
            try Docker.containers(of: database.serviceID) == [before]
                && Docker.inspect(before, "{{.State.Running}}") == "true"
        }
        try harbour.await("RUNNING", of: database)
        try harbour.awaitAnswer("42", to: "SELECT answer FROM kept", of: database)
        #expect(try Docker.volumes(of: database.serviceID).count == 1)
        try eventually("no undo to be left") {
            try harbour.installation.run(sql: "SELECT count(*) FROM service_jobs") == "0"
        }
    }
}
