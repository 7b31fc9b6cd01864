import Testing

/// Berth's own log at its most talkative tells no secret.
@Suite struct LogSecrecyTests {
    @Test("no password and no token is in the log at trace level", arguments: Client.allCases)
    func noSecrets(_ client: Client) throws {
        let installation = try Installation()
        var options = installation.options
        options.arguments = ["--log-level", "trace"]
        let server = try Berthd(options)
        let chosen = "Hush-Hush:\(String.random(of: 20))"
        func call(_ method: String, _ request: JSON, token: String? = nil) throws -> Answer {
            try client.call(
                "ServiceService/\(method)", request, token: token ?? installation.ownerToken,
                on: server)
        }
        var request: JSON = [
            "environmentId": .string(installation.environmentID), "name": "chosen",
            "templateId": "postgres", "password": .string(chosen), "requestId": "one",
        ]
        let created = try call("CreateDatabaseService", request)
        #expect(created.code == "OK")
        _ = try call("CreateDatabaseService", request)
        request["requestId"] = ""
        #expect(try call("CreateDatabaseService", request).code == "ALREADY_EXISTS")
        request["password"] = .string(chosen + "\u{7F}")
        #expect(try call("CreateDatabaseService", request).code == "INVALID_ARGUMENT")
        let stranger = "berth_" + String.random(of: 43)
        #expect(
            try call("CreateDatabaseService", request, token: stranger).code == "UNAUTHENTICATED")
        try failInDatabase(installation)
        request["name"] = "failing"
        request["password"] = .string(chosen)
        #expect(try call("CreateDatabaseService", request).code == "INTERNAL")
        try installation.run(sql: "DROP TRIGGER fails ON config_entries")
        request["name"] = "generated"
        request["password"] = ""
        let generated = try call("CreateDatabaseService", request)
        let revealed = try call(
            "RevealConnection", ["serviceId": generated.response["service"]["id"]])
        #expect(revealed.response["password"].string.count == 32)
        #expect(try server.stop() == 0)

        #expect(server.log.contains("CreateDatabaseService"), "the log tells of calls at all")
        let secrets = [
            chosen, "Hush-Hush", revealed.response["password"].string, installation.ownerToken,
            stranger, created.response["connectionUri"].string,
        ]
        for secret in secrets { #expect(!server.log.contains(secret)) }
    }

    @Test(
        "a fault of the database is told by an id that the log holds too",
        arguments: Client.allCases)
    func faults(_ client: Client) throws {
        let installation = try Installation()
        let server = try Berthd(installation.options)
        try failInDatabase(installation)
        let answer = try client.call(
            "ServiceService/CreateDatabaseService",
            [
                "environmentId": .string(installation.environmentID), "name": "main",
                "templateId": "postgres",
            ], token: installation.ownerToken, on: server)
        #expect(answer.code == "INTERNAL")
        #expect(!answer.message.contains("made to fail"))
        #expect(!answer.message.contains("config_entries"))
        let id = try #require(answer.message.split(separator: " ").last)
        #expect(id.wholeMatch(of: /[0-9a-f]{16}-[0-9a-f]+/) != nil)
        try eventually("the fault in the log") {
            server.log.contains(id) && server.log.contains("made to fail")
        }
        #expect(try installation.run(sql: "SELECT count(*) FROM services") == "0")
    }

    /// Makes every write of a password fail.
    private func failInDatabase(_ installation: Installation) throws {
        try installation.run(
            sql: """
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN RAISE EXCEPTION ''made to fail''; END';
                CREATE TRIGGER fails BEFORE INSERT ON config_entries FOR EACH ROW
                    WHEN (NEW.kind = 'secret') EXECUTE FUNCTION fail();
                """)
    }
}
