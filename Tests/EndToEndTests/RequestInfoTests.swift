import Testing

/// An error names its call, and the log knows the call by that name.
@Suite struct RequestInfoTests {
    @Test(
        "an error's google.rpc.RequestInfo leads to the log line of its call",
        arguments: Client.allCases)
    func leadsToLog(_ client: Client) throws {
        let stage = try Stage.shared()
        // Of its own: others' refusals may have used up the lines for those without a credential.
        let server = try Berthd(stage.server.options)
        func call(_ method: String, _ request: JSON, token: String?) throws -> Answer {
            try client.call("ServiceService/\(method)", request, token: token, on: server)
        }
        let nowhere: JSON = ["serviceId": "00000000-0000-7000-8000-000000000000"]
        var broken = stage.createRequest("1")
        broken["databaseName"] = "postgres"
        let answers = [
            try call("GetService", nowhere, token: stage.member),
            try call("GetService", nowhere, token: nil),
            try call("CreateDatabaseService", broken, token: stage.member),
        ]
        #expect(answers.map(\.code) == ["NOT_FOUND", "UNAUTHENTICATED", "INVALID_ARGUMENT"])
        #expect(answers[2].fields == ["name", "database_name"], "beside the BadRequest")
        let ids = try answers.map { try #require($0.requestID) }
        #expect(Set(ids).count == 3)
        for (id, answer) in zip(ids, answers) {
            #expect(id.wholeMatch(of: /[0-9a-f]{16}-[0-9a-f]+/) != nil)
            var lines: [Substring] = []
            try eventually("the log line of \(id)") {
                lines = server.log.split(separator: "\n").filter {
                    $0.contains("request_id=\(id)")
                }
                return !lines.isEmpty
            }
            #expect(lines.count == 1)
            #expect(lines.first?.contains("status=\(answer.code)") == true)
        }
        #expect(try server.stop() == 0)
    }

    @Test("an INTERNAL error's two ids are one, and every line about the call has it")
    func internalError() throws {
        let installation = try Installation()
        let server = try Berthd(installation.options)
        try installation.run(
            sql: """
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN RAISE EXCEPTION ''made to fail''; END';
                CREATE TRIGGER fails BEFORE INSERT ON services FOR EACH ROW
                    EXECUTE FUNCTION fail();
                """)
        let answer = try Client.grpcio.call(
            "ServiceService/CreateDatabaseService",
            [
                "environmentId": .string(installation.environmentID), "name": "main",
                "templateId": "postgres",
            ], token: installation.ownerToken, on: server)
        #expect(answer.code == "INTERNAL")
        let id = try #require(answer.requestID)
        #expect(answer.message.hasSuffix(id))
        var lines: [Substring] = []
        try eventually("the cause, and how the call ended") {
            lines = server.log.split(separator: "\n").filter { $0.contains(id) }
            return lines.count >= 2
        }
        #expect(lines.count == 2)
    }
}
