import Testing

/// Many calls at once.
@Suite struct CrowdTests {
    @Test("what a crowd is told is what is there: each OK is a service, and no call is lost")
    func crowd() throws {
        let installation = try Installation()
        let server = try Berthd(installation.options)
        let client = try GrpcioClient(server)
        let count = 600
        let requests = (0..<count).map { number -> JSON in
            [
                "environmentId": .string(installation.environmentID),
                "name": .string("crowd-\(number)"), "templateId": "postgres",
            ]
        }
        let answer = try client.ask([
            "crowd": "berth.controlplane.v1.ServiceService/CreateDatabaseService",
            "requests": .array(requests),
            "metadata": ["authorization": .string("Bearer \(installation.ownerToken)")],
        ])
        var counts: [String: Int] = [:]
        for case (let code, .number(let times)) in answer["codes"].members {
            counts[code] = Int(times)
        }
        #expect(counts.values.reduce(0, +) == count)
        #expect(Set(counts.keys).isSubset(of: ["OK", "RESOURCE_EXHAUSTED"]), "\(counts)")
        let created = counts["OK", default: 0]
        #expect(created > 0)
        let rows = try installation.run(
            sql: """
                SELECT (SELECT count(*) FROM services), (SELECT count(*) FROM config_entries),
                    (SELECT count(*) FROM audit_events)
                """)
        #expect(rows == "\(created)|\(3 * created)|\(created)")
        #expect(try server.stop() == 0)
    }
}
