import Testing

/// Lists, a page at a time.
@Suite struct ListingTests {
    /// Walks all pages and gives the ids in order.
    static func walk(
        _ method: String, _ scope: JSON, of elements: String, pageSize: Int, by client: Client,
        _ stage: Stage
    ) throws -> [[String]] {
        var pages: [[String]] = []
        var request = scope
        request["pageSize"] = .number(Double(pageSize))
        repeat {
            let answer = try client.call(method, request, token: stage.viewer, on: stage.server)
            try #require(answer.code == "OK", "\(answer.message)")
            pages.append(answer.response[elements].elements.map(\.["id"].string))
            request["pageToken"] = answer.response["nextPageToken"]
        } while request["pageToken"] != "" && pages.count < 20
        return pages
    }

    @Test(
        "services are listed newest first, page by page, by each scope",
        arguments: Client.allCases)
    func services(_ client: Client) throws {
        let stage = try Stage.shared()
        let environment = try stage.installation.addEnvironment()
        var ids: [String] = []
        for number in 0..<5 {
            var request = stage.createRequest("list-\(number)", deployNow: number % 2 == 0)
            request["environmentId"] = .string(environment)
            let created = try CreateDatabaseServiceTests.create(request, by: client, stage)
            ids.append(created["service"]["id"].string)
        }
        _ = try client.call(
            "ServiceService/DeleteService", ["serviceId": .string(ids[1])], token: stage.member,
            on: stage.server)
        let newestFirst = [ids[4], ids[3], ids[2], ids[0]]
        func pages(_ size: Int) throws -> [[String]] {
            try Self.walk(
                "ServiceService/ListServices", ["environmentId": .string(environment)],
                of: "services", pageSize: size, by: client, stage)
        }
        #expect(try pages(0) == [newestFirst])
        #expect(try pages(1000) == [newestFirst])
        #expect(try pages(3) == [Array(newestFirst[..<3]), Array(newestFirst[3...])])
        // A page that ends with the last row is the last page.
        #expect(try pages(2) == [Array(newestFirst[..<2]), Array(newestFirst[2...])])
        for scope in [
            ["projectId": JSON.string(stage.installation.projectID)],
            ["workspaceId": JSON.string(stage.installation.workspaceID)],
        ] {
            let all = try Self.walk(
                "ServiceService/ListServices", .object(scope), of: "services", pageSize: 200,
                by: client, stage
            ).flatMap { $0 }
            #expect(all.filter(newestFirst.contains) == newestFirst)
            #expect(!all.contains(ids[1]))
        }
    }

    @Test("deployments are listed newest first, page by page", arguments: Client.allCases)
    func deployments(_ client: Client) throws {
        let stage = try Stage.shared()
        let created = try CreateDatabaseServiceTests.create(
            stage.createRequest(Stage.uniqueName()), by: client, stage)
        let service = created["service"]["id"].string
        // Ids of a year to come, so that they are the newest.
        try stage.installation.run(
            sql: """
                INSERT INTO deployments (id, service_id, environment_id, workspace_id, server_id,
                    state, trigger, image, message, wake_at, created_at, updated_at)
                SELECT ('0fffffff-0000-7000-8000-' || lpad(n || to_hex(hashtext(service_id::text) & 65535),
                        12, '0'))::uuid,
                    service_id, environment_id, workspace_id, server_id, 'failed', 'redeploy', image,
                    'attempt ' || n, now(), now(), now()
                FROM deployments, generate_series(1, 4) AS n
                WHERE service_id = '\(service)'
                """)
        let newestFirst = try stage.installation.run(
            sql: "SELECT id FROM deployments WHERE service_id = '\(service)' ORDER BY id DESC"
        ).split(separator: "\n").map(String.init)
        #expect(newestFirst.count == 5)
        #expect(newestFirst.last == created["deploymentId"].string)
        func pages(_ size: Int) throws -> [[String]] {
            try Self.walk(
                "DeploymentService/ListDeployments", ["serviceId": .string(service)],
                of: "deployments", pageSize: size, by: client, stage)
        }
        #expect(try pages(0) == [newestFirst])
        #expect(
            try pages(2) == [
                Array(newestFirst[..<2]), Array(newestFirst[2..<4]), Array(newestFirst[4...]),
            ])
        let state = try client.call(
            "ServiceService/GetService", ["serviceId": .string(service)], token: stage.viewer,
            on: stage.server)
        #expect(state.response["service"]["state"] == "SERVICE_STATE_FAILED")
    }

    @Test("a page token of another list, or of none, is refused", arguments: Client.allCases)
    func badTokens(_ client: Client) throws {
        let stage = try Stage.shared()
        for _ in 0..<2 {
            _ = try CreateDatabaseServiceTests.create(
                stage.createRequest(Stage.uniqueName()), by: client, stage)
        }
        func list(_ request: JSON) throws -> Answer {
            try client.call(
                "ServiceService/ListServices", request, token: stage.viewer, on: stage.server)
        }
        let environment: JSON = ["environmentId": .string(stage.installation.environmentID)]
        var first = environment
        first["pageSize"] = 1
        let token = try list(first).response["nextPageToken"]
        #expect(token != "")
        var project: JSON = ["projectId": .string(stage.installation.projectID)]
        project["pageToken"] = token
        var nonsense = environment
        nonsense["pageToken"] = "nonsense"
        var cut = environment
        cut["pageToken"] = .string(String(token.string.dropLast()))
        for request in [project, nonsense, cut] {
            let answer = try list(request)
            #expect(answer.code == "INVALID_ARGUMENT")
            #expect(answer.fields == ["page_token"])
        }
        var negative = environment
        negative["pageSize"] = -1
        let answer = try list(negative)
        #expect(answer.code == "INVALID_ARGUMENT")
        #expect(answer.fields == ["page_size"])
    }
}
