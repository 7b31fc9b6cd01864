import Domain
import Messages
import PostgresClient
import RPC
import StandardMessages
import Testing

@testable import ControlPlane

/// What callers are told of what went wrong.
@Suite struct StatusMappingTests {
    static let problems: [(Problem.Kind, StatusCode)] = [
        (.invalidArgument, .invalidArgument), (.unauthenticated, .unauthenticated),
        (.permissionDenied, .permissionDenied), (.notFound, .notFound),
        (.alreadyExists, .alreadyExists), (.failedPrecondition, .failedPrecondition),
        (.aborted, .aborted), (.resourceExhausted, .resourceExhausted),
        (.unavailable, .unavailable),
    ]

    @Test("a problem's kind decides the code; the caller's half of it is the message")
    func kinds() {
        for (kind, code) in Self.problems {
            let status = status(
                for: Problem(kind, "for the caller", privateContext: "for the log"))
            #expect(status?.code == code, "\(kind)")
            #expect(status?.message == "for the caller")
            #expect(status?.details == [])
        }
        let fault = status(for: Problem(.internalFault, "x", privateContext: "y"))
        #expect(fault == nil, "the server answers INTERNAL with an id and logs the rest")
    }

    @Test("field violations travel as google.rpc.BadRequest in the details, in their order")
    func violations() throws {
        let violations = [("name", "is required"), ("password", "is too short")].map {
            Problem.FieldViolation(field: $0.0, rule: $0.1)
        }
        let mapped = try #require(status(for: Problem.invalid(violations)))
        let details = try Wire.decode(GoogleRPC.Status.self, from: mapped.details)
        #expect(details.code == Int32(StatusCode.invalidArgument.rawValue))
        #expect(details.message == mapped.message)
        #expect(details.details.count == 1)
        let packed = try #require(details.details.first)
        #expect(packed.typeURL == "type.googleapis.com/google.rpc.BadRequest")
        let badRequest = try Wire.decode(GoogleRPC.BadRequest.self, from: packed.value)
        #expect(badRequest.fieldViolations.map(\.field) == ["name", "password"])
        #expect(badRequest.fieldViolations.map(\.description) == ["is required", "is too short"])
    }

    @Test("an unknown outcome is never told as if nothing had happened")
    func outcomes() {
        let error = PostgresError(.outcomeUnknown, function: "COMMIT", message: "private")
        let mapped = status(for: error)
        #expect(mapped?.code == .unknown)
        #expect(mapped?.message.contains("nothing was written") == false)
        #expect(mapped?.message.contains("request_id") == true)
        for kind in [PostgresError.Kind.unavailable, .connectionFailed, .closed] {
            let mapped = status(for: PostgresError(kind, function: "f", message: "private"))
            #expect(mapped?.code == .unavailable)
            #expect(mapped?.message.contains("private") == false)
        }
        let exhausted = status(
            for: PostgresError(.poolExhausted, function: "f", message: "private"))
        #expect(exhausted?.code == .resourceExhausted)
    }
}
