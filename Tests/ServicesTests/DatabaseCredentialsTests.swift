import Domain
import Testing

@testable import Services

@Suite("DatabaseCredentials")
struct DatabaseCredentialsTests {
    func violations(
        databaseName: String = "", username: String = "", password: String = ""
    ) throws -> [String] {
        var noted = FieldViolations()
        _ = try DatabaseCredentials(
            wish: DatabaseCredentials.Wish(
                databaseName: databaseName, username: username, password: SecretText(password)),
            template: .postgres, passwords: FakePasswords(), violations: &noted)
        do {
            try noted.throwIfAny()
            return []
        } catch {
            return error.violations.map(\.field)
        }
    }

    @Test(
        "accepts names of letters, digits and underscores up to 63 bytes",
        arguments: ["a", "_", "A9_", String(repeating: "x", count: 63)])
    func acceptsNames(name: String) throws {
        #expect(try violations(databaseName: name, username: name).isEmpty)
    }

    @Test(
        "refuses every other name",
        arguments: [
            "9a", "a-b", "a b", " a", "a;drop", "ä", "a\u{0}b", String(repeating: "x", count: 64),
        ])
    func refusesNames(name: String) throws {
        #expect(
            try violations(databaseName: name, username: name) == ["database_name", "username"])
    }

    @Test(
        "refuses the databases of every cluster", arguments: ["postgres", "template0", "template1"])
    func refusesDatabases(name: String) throws {
        #expect(try violations(databaseName: name) == ["database_name"])
    }

    @Test("refuses roles that PostgreSQL reserves", arguments: ["pg_x", "pg_", "public", "none"])
    func refusesRoles(name: String) throws {
        #expect(try violations(username: name) == ["username"])
    }

    @Test("accepts passwords of 12 to 128 printable bytes")
    func acceptsPasswords() throws {
        #expect(try violations(password: String(repeating: "!", count: 12)).isEmpty)
        #expect(try violations(password: String(repeating: "~", count: 128)).isEmpty)
    }

    @Test(
        "refuses every other password",
        arguments: [
            String(repeating: "a", count: 11), String(repeating: "a", count: 129),
            "twelve chars but spaced", "twelvecharsé", "twelvechars\u{7F}", "twelvechars\n",
        ])
    func refusesPasswords(password: String) throws {
        #expect(try violations(password: password) == ["password"])
    }
}
