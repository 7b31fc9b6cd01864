import Testing

/// Every refusal, with its code and its field violations, as each foreign client sees it.
@Suite struct RefusalTests {
    /// A call that must be refused.
    struct Refusal: Sendable {
        let what: String
        var method = "ServiceService/CreateDatabaseService"
        var token: @Sendable (Stage) -> String? = { $0.member }
        var metadata: [String: String] = [:]
        let request: @Sendable (Stage) -> JSON
        let code: String
        var fields: [String] = []
        /// What the message must say.
        var says = ""
    }

    /// A create request with one change.
    static func with(_ field: String, _ value: JSON) -> @Sendable (Stage) -> JSON {
        { stage in
            var request = stage.createRequest("fine")
            request[field] = value
            return request
        }
    }

    static let fine: @Sendable (Stage) -> JSON = { $0.createRequest("fine") }
    static let nowhere: JSON = "00000000-0000-7000-8000-000000000000"

    static let identity = [
        Refusal(
            what: "no token", token: { _ in nil }, request: fine, code: "UNAUTHENTICATED",
            says: "authorization: Bearer"),
        Refusal(
            what: "a token that is none", token: { _ in "hello" }, request: fine,
            code: "UNAUTHENTICATED", says: "berth_"),
        Refusal(
            what: "an unknown token",
            token: { _ in "berth_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
            request: fine, code: "UNAUTHENTICATED", says: "unknown, expired or revoked"),
        Refusal(
            what: "another scheme", token: { _ in nil },
            metadata: ["authorization": "Basic YTpi"], request: fine, code: "UNAUTHENTICATED"),
        Refusal(
            what: "no token, and fields that break rules", token: { _ in nil },
            request: { _ in [:] }, code: "UNAUTHENTICATED"),
        Refusal(
            what: "no token, for the catalogue",
            method: "ServiceService/ListDatabaseTemplates", token: { _ in nil },
            request: { _ in [:] }, code: "UNAUTHENTICATED"),
    ]

    static let places = [
        Refusal(
            what: "an unknown environment", request: with("environmentId", nowhere),
            code: "NOT_FOUND", says: "no such environment"),
        Refusal(
            what: "a stranger's environment",
            request: { stage in
                var request = stage.createRequest("fine")
                request["environmentId"] = .string(stage.neighbour.environmentID)
                return request
            }, code: "NOT_FOUND", says: "no such environment"),
        Refusal(
            what: "a stranger", token: { $0.neighbour.token }, request: fine,
            code: "NOT_FOUND", says: "no such environment"),
        Refusal(
            what: "a stranger, and fields that break rules", token: { $0.neighbour.token },
            request: with("name", "1"), code: "NOT_FOUND", says: "no such environment"),
        Refusal(
            what: "an unknown server", request: with("serverId", nowhere), code: "NOT_FOUND",
            says: "no such server"),
        Refusal(
            what: "a stranger's server",
            request: { stage in
                var request = stage.createRequest("fine", deployNow: false)
                request["serverId"] = .string(stage.neighbour.serverID)
                return request
            }, code: "NOT_FOUND", says: "no such server"),
        Refusal(
            what: "a viewer", token: { $0.viewer }, request: fine, code: "PERMISSION_DENIED",
            says: "viewer"),
        Refusal(
            what: "a viewer, and fields that break rules", token: { $0.viewer },
            request: with("name", "1"), code: "PERMISSION_DENIED"),
    ]

    static func field(_ what: String, _ field: String, _ value: JSON, as name: String) -> Refusal {
        Refusal(
            what: what, request: with(field, value), code: "INVALID_ARGUMENT", fields: [name],
            says: name)
    }

    static let rules = [
        field("no environment", "environmentId", "", as: "environment_id"),
        field("an environment that is no UUID", "environmentId", "prod", as: "environment_id"),
        field("a server that is no UUID", "serverId", "s", as: "server_id"),
        field("no server to deploy to", "serverId", "", as: "server_id"),
        field("an unknown template", "templateId", "oracle", as: "template_id"),
        field("no template", "templateId", "", as: "template_id"),
        field("no name", "name", "", as: "name"),
        field("a name of white space", "name", " \t\u{3000}", as: "name"),
        field("a name that begins with a digit", "name", "1st", as: "name"),
        field("a name without a letter", "name", "ÄÖÜ", as: "name"),
        field(
            "a name that makes 64 characters", "name", .string(String(repeating: "a", count: 64)),
            as: "name"),
        field("a name of two lines", "name", "a\nb", as: "name"),
        field("a name that turns its direction", "name", "a\u{202E}b", as: "name"),
        field("a name with a C1 control character", "name", "a\u{85}b", as: "name"),
        field("a request id of two lines", "requestId", "a\u{2028}b", as: "request_id"),
        field("the name localhost", "name", "LocalHost", as: "name"),
        field("the database postgres", "databaseName", "postgres", as: "database_name"),
        field("the database template0", "databaseName", "template0", as: "database_name"),
        field("the database template1", "databaseName", "template1", as: "database_name"),
        field("a database with a hyphen", "databaseName", "a-b", as: "database_name"),
        field(
            "a database of 64 characters", "databaseName",
            .string(String(repeating: "a", count: 64)), as: "database_name"),
        field("a user that begins with pg_", "username", "pg_me", as: "username"),
        field("a user that begins with a digit", "username", "1a", as: "username"),
        field("a user with a quote", "username", "a\"b", as: "username"),
        field("a password of 11 bytes", "password", "aaaaaaaaaaa", as: "password"),
        field(
            "a password of 129 bytes", "password", .string(String(repeating: "a", count: 129)),
            as: "password"),
        field("a password with a space", "password", "aaaaaaaaaaaa a", as: "password"),
        field("a password that is not ASCII", "password", "aaaaaaaaaaaaä", as: "password"),
        field(
            "a request id of 129 bytes", "requestId", .string(String(repeating: "a", count: 129)),
            as: "request_id"),
        Refusal(
            what: "everything at once",
            request: { stage in
                [
                    "environmentId": .string(stage.installation.environmentID), "name": "1",
                    "templateId": "oracle", "deployNow": true, "databaseName": "a-b",
                    "username": "pg_me", "password": "short",
                    "requestId": .string(String(repeating: "a", count: 129)),
                ]
            }, code: "INVALID_ARGUMENT",
            fields: [
                "name", "template_id", "server_id", "request_id", "database_name", "username",
                "password",
            ]),
        Refusal(
            what: "nothing at all", request: { _ in [:] }, code: "INVALID_ARGUMENT",
            fields: ["environment_id", "name", "template_id"]),
    ]

    static let reads: [Refusal] = {
        let notFound: [(String, String, String)] = [
            ("ServiceService/GetService", "serviceId", "no such service"),
            ("ServiceService/DeleteService", "serviceId", "no such service"),
            ("ServiceService/RevealConnection", "serviceId", "no such service"),
            ("ServiceService/ListServices", "environmentId", "no such environment"),
            ("ServiceService/ListServices", "projectId", "no such project"),
            ("ServiceService/ListServices", "workspaceId", "no such workspace"),
            ("ConfigService/ListConfig", "serviceId", "no such service"),
            ("ConfigService/ListConfig", "environmentId", "no such environment"),
            ("DeploymentService/GetDeployment", "deploymentId", "no such deployment"),
            ("DeploymentService/ListDeployments", "serviceId", "no such service"),
        ]
        return notFound.flatMap { method, field, says in
            let name = field.split(separator: "I")[0] + "_id"
            return [
                Refusal(
                    what: "\(method) of an unknown \(field)", method: method,
                    request: { _ in .object([field: nowhere]) }, code: "NOT_FOUND", says: says),
                Refusal(
                    what: "\(method) of a \(field) that is no UUID", method: method,
                    request: { _ in .object([field: "x"]) }, code: "INVALID_ARGUMENT",
                    fields: [String(name)]),
                Refusal(
                    what: "\(method) without a token", method: method, token: { _ in nil },
                    request: { _ in .object([field: nowhere]) }, code: "UNAUTHENTICATED"),
                Refusal(
                    what: "\(method) of a \(field) that is no UUID, without a token",
                    method: method, token: { _ in nil },
                    request: { _ in .object([field: "x"]) }, code: "UNAUTHENTICATED"),
            ]
        }
    }()

    static let scopes = ["ServiceService/ListServices", "ConfigService/ListConfig"].map {
        Refusal(
            what: "\($0) without a scope", method: $0, request: { _ in [:] },
            code: "INVALID_ARGUMENT", fields: ["scope"])
    }

    @Test("is refused", arguments: Client.allCases)
    func refusals(_ client: Client) throws {
        let stage = try Stage.shared()
        let before = try Self.rows(stage)
        for refusal in Self.identity + Self.places + Self.rules + Self.reads + Self.scopes {
            let answer = try client.call(
                refusal.method, refusal.request(stage), token: refusal.token(stage),
                metadata: refusal.metadata, on: stage.server)
            let comment: Comment = "\(refusal.what): \(answer.message)"
            #expect(answer.code == refusal.code, comment)
            #expect(answer.fields == refusal.fields, comment)
            #expect(answer.message.contains(refusal.says), comment)
        }
        let after = try Self.rows(stage)
        #expect(after == before, "a refusal writes nothing, not even audit")
    }

    @Test("an unknown template's refusal lists the known ones", arguments: Client.allCases)
    func knownTemplates(_ client: Client) throws {
        let stage = try Stage.shared()
        let answer = try client.call(
            "ServiceService/CreateDatabaseService", Self.with("templateId", "oracle")(stage),
            token: stage.member, on: stage.server)
        #expect(answer.violations.map(\.description) == ["must be one of: postgres"])
    }

    @Test("a taken name is refused, whatever its case", arguments: Client.allCases)
    func takenName(_ client: Client) throws {
        let stage = try Stage.shared()
        let name = Stage.uniqueName()
        _ = try CreateDatabaseServiceTests.create(stage.createRequest(name), by: client, stage)
        let answer = try client.call(
            "ServiceService/CreateDatabaseService", stage.createRequest(name.uppercased()),
            token: stage.admin, on: stage.server)
        #expect(answer.code == "ALREADY_EXISTS")
        #expect(answer.fields == ["name"])
        #expect(answer.message.contains(name))
    }

    @Test("a name is made a slug, or refused, never cut", arguments: Client.allCases)
    func longName(_ client: Client) throws {
        let stage = try Stage.shared()
        let name = Stage.uniqueName()
        let long = name + String(repeating: "x", count: 63 - name.count)
        let created = try CreateDatabaseServiceTests.create(
            stage.createRequest(long), by: client, stage)
        #expect(created["service"]["slug"] == .string(long))
    }

    @Test("what is another workspace's does not exist for a stranger", arguments: Client.allCases)
    func strangers(_ client: Client) throws {
        let stage = try Stage.shared()
        let created = try CreateDatabaseServiceTests.create(
            stage.createRequest(Stage.uniqueName()), by: client, stage)
        let service: JSON = ["serviceId": created["service"]["id"]]
        let calls: [(String, JSON)] = [
            ("ServiceService/GetService", service), ("ServiceService/DeleteService", service),
            ("ServiceService/RevealConnection", service), ("ConfigService/ListConfig", service),
            ("DeploymentService/ListDeployments", service),
            ("DeploymentService/GetDeployment", ["deploymentId": created["deploymentId"]]),
            (
                "ServiceService/ListServices",
                ["environmentId": .string(stage.installation.environmentID)]
            ),
        ]
        for (method, request) in calls {
            let answer = try client.call(
                method, request, token: stage.neighbour.token, on: stage.server)
            #expect(answer.code == "NOT_FOUND", "\(method)")
        }
    }

    @Test("every role may do what it may", arguments: Client.allCases)
    func roles(_ client: Client) throws {
        let stage = try Stage.shared()
        for token in [stage.installation.ownerToken, stage.admin, stage.member] {
            let created = try client.call(
                "ServiceService/CreateDatabaseService", stage.createRequest(Stage.uniqueName()),
                token: token, on: stage.server)
            #expect(created.code == "OK")
            let service: JSON = ["serviceId": created.response["service"]["id"]]
            for (method, code) in [
                ("GetService", "OK"), ("RevealConnection", "PERMISSION_DENIED"),
                ("DeleteService", "PERMISSION_DENIED"),
            ] {
                let answer = try client.call(
                    "ServiceService/\(method)", service, token: stage.viewer, on: stage.server)
                #expect(answer.code == code, "\(method)")
            }
        }
    }

    /// Rows of what any refused call could have written; other tests write other names.
    private static func rows(_ stage: Stage) throws -> String {
        try stage.installation.run(
            sql: """
                SELECT (SELECT count(*) FROM services WHERE name = 'fine'),
                    (SELECT count(*) FROM audit_events a
                        WHERE NOT EXISTS (SELECT FROM services s WHERE s.id = a.target_id))
                """)
    }
}
