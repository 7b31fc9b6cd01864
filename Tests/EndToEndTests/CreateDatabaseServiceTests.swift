import Testing

/// The create call and what follows it, as each foreign client sees it.
@Suite struct CreateDatabaseServiceTests {
    static let services = "ServiceService"
    static var uuid: Regex<Substring> {
        /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
    }
    static var time: Regex<Substring> { /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/ }

    /// Creates what must be created and gives the response.
    static func create(
        _ request: JSON, by client: Client, _ stage: Stage
    ) throws -> JSON {
        let answer = try client.call(
            "ServiceService/CreateDatabaseService", request, token: stage.member, on: stage.server)
        try #require(answer.code == "OK", "\(answer.message)")
        return answer.response
    }

    @Test(
        "with deploy_now a service is created, private, and its deployment queued",
        arguments: Client.allCases)
    func deploysNow(_ client: Client) throws {
        let stage = try Stage.shared()
        let name = "My \(Stage.uniqueName()) DB"
        let response = try Self.create(stage.createRequest(name), by: client, stage)
        let service = response["service"]
        let slug = name.lowercased().split(separator: " ").joined(separator: "-")
        let expected: [String: JSON] = [
            "environmentId": .string(stage.installation.environmentID),
            "projectId": .string(stage.installation.projectID),
            "workspaceId": .string(stage.installation.workspaceID),
            "name": .string(name), "slug": .string(slug), "kind": "SERVICE_KIND_DATABASE",
            "templateId": "postgres", "image": "postgres:16-alpine", "port": 5432,
            "visibility": "VISIBILITY_PRIVATE", "state": "SERVICE_STATE_QUEUED",
            "serverId": .string(stage.installation.serverID),
        ]
        for (field, value) in expected { #expect(service[field] == value, "\(field)") }
        #expect(service["id"].string.wholeMatch(of: Self.uuid) != nil)
        #expect(service["createTime"].string.wholeMatch(of: Self.time) != nil)
        #expect(service["updateTime"] == service["createTime"])
        #expect(service["deleteTime"] == .null)
        // 192 random bits in base64url.
        let uri = try Regex("postgresql://berth:[A-Za-z0-9_-]{32}@\(slug):5432/app")
        #expect(response["connectionUri"].string.wholeMatch(of: uri) != nil)

        let deployment = try client.call(
            "DeploymentService/GetDeployment", ["deploymentId": response["deploymentId"]],
            token: stage.viewer, on: stage.server
        ).response["deployment"]
        #expect(deployment["id"] == response["deploymentId"])
        #expect(deployment["serviceId"] == service["id"])
        #expect(deployment["serverId"] == .string(stage.installation.serverID))
        #expect(deployment["state"] == "DEPLOYMENT_STATE_QUEUED")
        #expect(deployment["trigger"] == "DEPLOYMENT_TRIGGER_CREATE")
        #expect(deployment["image"] == "postgres:16-alpine")
        #expect(deployment["message"] == "")
        #expect(deployment["createTime"] == service["createTime"])
    }

    @Test(
        "without deploy_now there is no deployment, and credentials all the same",
        arguments: Client.allCases)
    func withoutDeployment(_ client: Client) throws {
        let stage = try Stage.shared()
        let response = try Self.create(
            stage.createRequest(Stage.uniqueName(), deployNow: false), by: client, stage)
        #expect(response["deploymentId"] == "")
        #expect(response["service"]["state"] == "SERVICE_STATE_NOT_DEPLOYED")
        #expect(response["service"]["serverId"] == "")
        #expect(response["connectionUri"].string.hasPrefix("postgresql://berth:"))
        let deployments = try client.call(
            "DeploymentService/ListDeployments", ["serviceId": response["service"]["id"]],
            token: stage.viewer, on: stage.server)
        #expect(deployments.code == "OK")
        #expect(deployments.response["deployments"].elements == [])
    }

    @Test(
        "chosen credentials are kept, listed without the password, and revealed",
        arguments: Client.allCases)
    func chosenCredentials(_ client: Client) throws {
        let stage = try Stage.shared()
        let name = Stage.uniqueName()
        let password = "aZ0!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
        var request = stage.createRequest(name)
        request["databaseName"] = "Orders_1"
        request["username"] = "_Clerk"
        request["password"] = .string(password)
        let created = try Self.create(request, by: client, stage)
        let id: JSON = ["serviceId": created["service"]["id"]]
        let encoded =
            "aZ0%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~"
        let uri = "postgresql://_Clerk:\(encoded)@\(name):5432/Orders_1"
        #expect(created["connectionUri"] == .string(uri))

        let revealed = try client.call(
            "ServiceService/RevealConnection", id, token: stage.member, on: stage.server)
        #expect(
            revealed.response == [
                "host": .string(name), "port": 5432, "databaseName": "Orders_1",
                "username": "_Clerk", "password": .string(password),
                "connectionUri": .string(uri),
            ])
        let audit = try stage.installation.run(
            sql: """
                SELECT action FROM audit_events
                WHERE target_id = '\(created["service"]["id"].string)' ORDER BY id
                """)
        #expect(audit == "service.create_database\nservice.reveal_connection")

        let listed = try client.call(
            "ConfigService/ListConfig", id, token: stage.viewer, on: stage.server
        ).response["entries"].elements
        #expect(
            listed.map(\.["key"].string) == [
                "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_USER",
            ])
        #expect(listed.map(\.["value"].string) == ["Orders_1", "", "_Clerk"])
        #expect(
            listed.map(\.["kind"].string) == [
                "CONFIG_ENTRY_KIND_VARIABLE", "CONFIG_ENTRY_KIND_SECRET",
                "CONFIG_ENTRY_KIND_VARIABLE",
            ])
        #expect(listed.allSatisfy { $0["serviceId"] == id["serviceId"] })
    }

    @Test(
        "a deleted service stays as a tombstone, frees its name and keeps its secrets",
        arguments: Client.allCases)
    func deletes(_ client: Client) throws {
        let stage = try Stage.shared()
        let request = stage.createRequest(Stage.uniqueName())
        let created = try Self.create(request, by: client, stage)
        let id: JSON = ["serviceId": created["service"]["id"]]
        func call(_ method: String, token: String) throws -> Answer {
            try client.call("ServiceService/\(method)", id, token: token, on: stage.server)
        }
        let found = try call("GetService", token: stage.viewer)
        var service = found.response["service"]
        // Nobody has begun an agent here.
        #expect(service["stateMessage"] == "waits for the agent of its server, which is away")
        service["stateMessage"] = ""
        #expect(service == created["service"])
        let refused = try call("DeleteService", token: stage.viewer)
        #expect(refused.code == "PERMISSION_DENIED")
        let deleted = try call("DeleteService", token: stage.member)
        #expect(deleted.code == "OK")
        let tombstone = deleted.response["service"]
        #expect(tombstone["state"] == "SERVICE_STATE_DELETED")
        #expect(tombstone["deleteTime"].string.wholeMatch(of: Self.time) != nil)
        let again = try call("DeleteService", token: stage.member)
        #expect(again.response["service"] == tombstone)
        let kept = try call("GetService", token: stage.viewer)
        #expect(kept.response["service"] == tombstone)
        let hidden = try call("RevealConnection", token: stage.member)
        #expect(hidden.code == "NOT_FOUND")
        let deployment = try client.call(
            "DeploymentService/GetDeployment", ["deploymentId": created["deploymentId"]],
            token: stage.member, on: stage.server
        ).response["deployment"]
        #expect(deployment["state"] == "DEPLOYMENT_STATE_CANCELLED")
        #expect(deployment["message"].string.contains("deleted"))

        let second = try Self.create(request, by: client, stage)
        #expect(second["service"]["slug"] == created["service"]["slug"])
        #expect(second["service"]["id"] != created["service"]["id"])
    }

    @Test("the catalogue is listed", arguments: Client.allCases)
    func templates(_ client: Client) throws {
        let stage = try Stage.shared()
        let answer = try client.call(
            "ServiceService/ListDatabaseTemplates", [:], token: stage.viewer, on: stage.server)
        #expect(
            answer.response["templates"].elements == [
                [
                    "id": "postgres", "displayName": "PostgreSQL 16",
                    "image": "postgres:16-alpine", "port": 5432, "defaultDatabaseName": "app",
                    "defaultUsername": "berth",
                ]
            ])
    }

    @Test(
        "a repeated request_id gives the same answer and makes nothing more",
        arguments: Client.allCases)
    func repeats(_ client: Client) throws {
        let stage = try Stage.shared()
        var request = stage.createRequest(Stage.uniqueName())
        request["requestId"] = .string(Stage.uniqueName())
        let first = try Self.create(request, by: client, stage)
        let second = try Self.create(request, by: client, stage)
        #expect(second == first)
        request["name"] = .string(Stage.uniqueName())
        let other = try client.call(
            "ServiceService/CreateDatabaseService", request, token: stage.member,
            on: stage.server)
        #expect(other.code == "ALREADY_EXISTS")
        #expect(other.fields == ["request_id"])
    }
}
