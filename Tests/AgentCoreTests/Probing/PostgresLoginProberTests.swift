import Glibc
import PostgresClient
import Testing

@testable import AgentCore

@Suite struct PostgresLoginProberTests {
    @Test("a wrong password is one thing, and a user who is not admitted another")
    func outcomes() {
        func outcome(_ sqlState: String?) -> LoginOutcome {
            PostgresLoginProber.outcome(
                of: PostgresError(
                    .connectionFailed, function: "PQconnectPoll", message: "words",
                    sqlState: sqlState))
        }
        #expect(outcome("28P01") == .refused("words"))
        #expect(outcome("28000") == .notAdmitted("words"))
        #expect(outcome("53300") == .saturated("words"))
        #expect(outcome("57P03") == .notYet("words"))
        #expect(outcome(nil) == .notYet("words"))
    }

    @Test("a question without a password names no file that libpq could warn of")
    func passwordFile() throws {
        let parameters = PostgresLoginProber.parameters(
            address: "127.0.0.1", port: 5432,
            ProbeNames(username: "app", databaseName: "app"))
        let named = try #require(parameters.split(separator: "passfile='").last)
        let path = String(named.prefix { $0 != "'" })
        // Safe: the path is a NUL-terminated copy that lives for the call.
        let code = unsafe access(path, F_OK)
        // Before anything else of this thread sets it.
        let errorNumber = errno
        #expect(code != 0)
        #expect(errorNumber == ENOTDIR, "not even by accident")
    }
}
