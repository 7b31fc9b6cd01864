import TestSupport
import Testing

extension Harbour {
    /// Has PostgreSQL write the database's password to its log, and expects `TailLogs` to show the line
    /// without it.
    func expectLogsWithoutPassword(of database: Database) throws {
        let password = try call(
            "ServiceService/RevealConnection", ["serviceId": .string(database.serviceID)])[
                "password"
            ].string
        // PostgreSQL logs the statement of an error.
        _ = try query(
            "SELECT 'my password is \(password)' FROM nothing_there", database.uri,
            fromEnvironment: database.environmentID)
        var logs = ""
        try eventually("the line in the logs: \(logs)") {
            logs = try tailLogs(of: database)
            return logs.contains("nothing_there")
        }
        #expect(logs.contains("[redacted]") && !logs.contains(password), "\(logs)")
    }

    /// What `TailLogs` gives of the last 200 lines.
    private func tailLogs(of database: Database) throws -> String {
        let request: JSON = ["serviceId": .string(database.serviceID), "tailLines": 200]
        let finished = try Grpcurl.run(
            ["-H", "authorization: Bearer \(installation.ownerToken)", "-d", "@"], server,
            ["berth.controlplane.v1.DeploymentService/TailLogs"], input: request.text)
        return finished.standardOutput + finished.standardError
    }
}
