import EventLoops
import TestSupport
import Testing

@testable import PostgresClient

@Suite struct RefusedConnectionTests {
    @Test(
        "the SQLSTATE of a refused connection is taken out of libpq's text",
        arguments: [
            (
                "connection to server at \"10.0.0.1\", port 5432 failed: FATAL:  28P01: "
                    + "password authentication failed for user \"x\"",
                "connection to server at \"10.0.0.1\", port 5432 failed: FATAL:  "
                    + "password authentication failed for user \"x\"", "28P01"
            ),
            ("connection refused", "connection refused", nil),
            ("FATAL:  no code: here", "FATAL:  no code: here", nil), ("FATAL:  ", "FATAL:  ", nil),
        ] as [(String, String, String?)])
    func parted(text: String, message: String, sqlState: String?) {
        let (foundMessage, foundState) = ConnectionHandle.parted(text)
        #expect(foundMessage == message)
        #expect(foundState == sqlState)
    }

    @Test("a database that does not exist is told by its SQLSTATE")
    func missingDatabase() async throws {
        let uri = try TestPostgres.shared().uri("nowhere")
        try await onLoop { _, reactor in
            let pool = try ConnectionPool(
                reactor: reactor, workers: try sharedWorkers(),
                configuration: PoolConfiguration(uri: uri))
            do {
                try await pool.ping()
                Issue.record("connected")
            } catch let error as PostgresError {
                #expect(error.sqlState == "3D000")
                #expect(!error.message.contains("3D000"))
            }
            await pool.close()
        }
    }
}
