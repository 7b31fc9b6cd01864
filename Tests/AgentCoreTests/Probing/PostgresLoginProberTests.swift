import Glibc
import PostgresClient
import Testing

@testable import AgentCore

@Suite struct PostgresLoginProberTests {
    @Test("a question without a password names no file that libpq could warn of")
    func passwordFile() throws {
        let parameters = PostgresLoginProber.parameters(
            address: "127.0.0.1", port: 5432,
            ProbeNames(username: "app", databaseName: "app"))
        let named = try #require(parameters.split(separator: "passfile='").last)
        let path = String(named.prefix { $0 != "'" })
        // Safe: the path is a NUL-terminated copy that lives for the call.
        #expect(unsafe access(path, F_OK) != 0)
        #expect(errno == ENOTDIR, "not even by accident")
    }
}
