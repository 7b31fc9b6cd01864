import Testing

@Suite struct ProgramsTests {
    @Test("what these tests drive is there", arguments: Programs.variables)
    func present(_ variable: String) throws {
        _ = try Programs.path(variable)
    }
}
