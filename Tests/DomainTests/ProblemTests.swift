import Testing

@testable import Domain

@Suite("Problem")
struct ProblemTests {
    @Test("its description holds nothing of the private half")
    func description() {
        let problem = Problem(
            .internalFault, "a fault", privateContext: "row 7", cause: CancellationError())
        #expect("\(problem)" == "internalFault: a fault")
    }

    @Test("a request's violations make one message")
    func violations() {
        let problem = Problem.invalid([
            Problem.FieldViolation(field: "a", rule: "is required"),
            Problem.FieldViolation(field: "b", rule: "is too long"),
        ])
        #expect(problem.message == "a: is required; b: is too long")
    }
}
