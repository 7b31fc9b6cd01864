import Foundation
import TestSupport

/// A whole Berth: database, control plane, and an agent on this machine's Docker.
final class Harbour: Sendable {
    let installation: Installation
    let server: Berthd
    let agent: AgentProcess

    /// The image that services of these tests run.
    static var image: String { get throws { try Programs.value("BERTH_TEST_IMAGE") } }

    /// - Parameters:
    ///   - image: Instead of ``image``.
    ///   - arguments: For `berthd serve`.
    ///   - change: What else its server is started with.
    init(
        image: String? = nil, arguments: [String] = [],
        _ change: (inout Berthd.Options) -> Void = { _ in }
    ) throws {
        installation = try Installation()
        var options = installation.options
        options.arguments =
            ["--template-image", "postgres=\(try image ?? Harbour.image)"] + arguments
        change(&options)
        server = try Berthd(options)
        agent = try AgentProcess(
            of: server, serverID: installation.serverID,
            token: installation.bootstrap["agent_registration_token"].string)
    }

    /// A control plane over the same database, which knows the same key.
    func anotherServer() throws -> Berthd { try Berthd(server.options) }

    /// Calls as the owner; must succeed.
    @discardableResult
    func call(_ method: String, _ request: JSON, on other: Berthd? = nil) throws -> JSON {
        let answer = try Client.grpcurl.call(
            method, request, token: installation.ownerToken, on: other ?? server)
        guard answer.code == "OK" else {
            throw ChildProcess.Failed(description: "\(method): \(answer.code) \(answer.message)")
        }
        return answer.response
    }

    /// A database service that was created.
    struct Database: Sendable {
        let serviceID: String
        let deploymentID: String
        let uri: String
        let slug: String
        let environmentID: String
    }

    /// Creates a database and deploys it.
    func create(
        _ name: String = Stage.uniqueName(), environmentID: String? = nil, serverID: String? = nil
    ) throws -> Database {
        let environmentID = environmentID ?? installation.environmentID
        let response = try call(
            "ServiceService/CreateDatabaseService",
            [
                "environmentId": .string(environmentID), "name": .string(name),
                "templateId": "postgres", "deployNow": true,
                "serverId": .string(serverID ?? installation.serverID),
            ])
        return Database(
            serviceID: response["service"]["id"].string,
            deploymentID: response["deploymentId"].string,
            uri: response["connectionUri"].string, slug: response["service"]["slug"].string,
            environmentID: environmentID)
    }

    /// The service as it is now.
    func service(_ database: Database) throws -> JSON {
        try call("ServiceService/GetService", ["serviceId": .string(database.serviceID)])["service"]
    }

    /// The deployment as it is now, with its events.
    func deployment(_ id: String) throws -> JSON {
        try call("DeploymentService/GetDeployment", ["deploymentId": .string(id)])["deployment"]
    }

    /// Waits until the service is in a state; fails at once in one that it will not leave.
    func await(
        _ state: String, of database: Database, within duration: Duration = .seconds(180)
    ) throws {
        var last: JSON = .null
        do {
            try eventually(within: duration, "SERVICE_STATE_\(state)") {
                last = try service(database)
                return last["state"].string == "SERVICE_STATE_\(state)"
            }
        } catch {
            throw ChildProcess.Failed(
                description: "\(error): \(last["state"].string) \(last["stateMessage"].string)\n"
                    + "agent: \(agent.log.suffix(3000))")
        }
    }

    /// Creates a database and waits until it serves.
    func createRunning(_ name: String = Stage.uniqueName()) throws -> Database {
        let database = try create(name)
        try `await`("RUNNING", of: database)
        return database
    }

    /// Redeploys, and gives the new deployment's id.
    func redeploy(_ database: Database) throws -> String {
        try call(
            "DeploymentService/RedeployService", ["serviceId": .string(database.serviceID)])[
                "deployment"]["id"].string
    }

    /// Waits until a deployment has ended or runs, and gives its state without the prefix.
    func outcome(
        of deploymentID: String, within duration: Duration = .seconds(300)
    ) throws -> String {
        var state = ""
        try eventually(within: duration, "the end of deployment \(deploymentID)") {
            state = String(try deployment(deploymentID)["state"].string.dropFirst(17))
            return ["RUNNING", "FAILED", "SUPERSEDED", "CANCELLED"].contains(state)
        }
        return state
    }

    /// What a container on an environment's network, as a sibling service would be, gets from a query.
    func query(
        _ sql: String, _ uri: String, fromEnvironment environmentID: String
    ) throws -> ChildProcess.Finished {
        try Docker.run(
            [
                "run", "--rm", "--network", "berth-env-\(environmentID)", "--env",
                "PGCONNECT_TIMEOUT=30", "--entrypoint", "psql", try Harbour.image, uri,
                "--no-psqlrc", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
                "--command", sql,
            ], in: server.options.place)
    }

    /// The answer of a query of the database, asked by a sibling; must succeed.
    @discardableResult
    func query(_ sql: String, _ database: Database) throws -> String {
        let finished = try query(sql, database.uri, fromEnvironment: database.environmentID)
        guard finished.exitCode == 0 else {
            throw ChildProcess.Failed(description: "\(sql): \(finished.standardError)")
        }
        return finished.standardOutput.trimmingCharacters(in: .newlines)
    }
}
