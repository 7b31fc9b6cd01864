import Testing

@testable import Domain

@Suite("Problem")
struct ProblemTests {
    @Test("its description holds nothing of the private half, its debug description all")
    func description() {
        let problem = Problem(
            .internalFault, "a fault", privateContext: "row 7", cause: CancellationError())
        #expect("\(problem)" == "internalFault: a fault")
        #expect(
            String(reflecting: problem)
                == "internalFault: a fault [row 7] caused by Swift.CancellationError()")
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
