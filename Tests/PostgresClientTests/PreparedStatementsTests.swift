import Testing

@testable import PostgresClient

@Suite struct PreparedStatementsTests {
    @Test("a statement is found again, in the form that fits")
    func refines() {
        var statements = PreparedStatements()
        let untyped = statements.find("insert", "INSERT", types: [0, 0, 20])
        #expect(statements.find("insert", "INSERT", types: [0, 0, 20]) === untyped)
        #expect(statements.find("insert", "INSERT", types: [0, 0, 0]) === untyped)
        let typed = statements.find("insert", "INSERT", types: [2950, 0, 0])
        #expect(typed !== untyped)
        #expect(typed.typeOIDs == [2950, 0, 20])
        #expect(typed.serverName != untyped.serverName)
        // From now on everybody gets the better form.
        #expect(statements.find("insert", "INSERT", types: [0, 0, 20]) === typed)
        #expect(statements.find("insert", "INSERT", types: [23, 0, 0]) === typed)
    }

    @Test("another text under the same name is another statement")
    func sameName() {
        var statements = PreparedStatements()
        let one = statements.find("same", "SELECT 1", types: [])
        let two = statements.find("same", "SELECT 2", types: [])
        #expect(one.serverName != two.serverName)
        #expect(statements.find("same", "SELECT 1", types: []) === one)
        #expect(statements.find("same", "SELECT 2", types: []) === two)
    }

    @Test("a text in two parts is the same statement as in one, and another end another statement")
    func parts() {
        var statements = PreparedStatements()
        let one = statements.find("parts", "SELECT 1", "WHERE true", types: [])
        #expect(one.sql == "SELECT 1 WHERE true")
        #expect(statements.find("parts", "SELECT 1", "WHERE true", types: []) === one)
        #expect(statements.find("parts", "SELECT 1 WHERE true", types: []) === one)
        let two = statements.find("parts", "SELECT 1", "WHERE false", types: [])
        #expect(two !== one)
        #expect(two.serverName != one.serverName)
        #expect(statements.find("parts", "SELECT 1", types: []).sql == "SELECT 1")
    }
}
