import BerthMessages
import Domain
import Messages
import PostgresClient
import RPC
import StandardMessages
import Testing

@testable import ControlPlane
@testable import Services

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

    static let kinds: [(PostgresError.Kind, StatusCode)] = [
        (.unavailable, .unavailable), (.connectionFailed, .unavailable),
        (.connectionLost, .unavailable), (.closed, .unavailable),
        (.poolExhausted, .resourceExhausted), (.cancelled, .cancelled),
        (.statementStale, .unavailable),
    ]
    static let states: [(String, StatusCode)] = [
        ("40001", .aborted), ("40P01", .aborted), ("57014", .unavailable),
        ("25006", .unavailable), ("57P01", .unavailable), ("57P02", .unavailable),
        ("57P03", .unavailable), ("53000", .unavailable), ("53100", .unavailable),
        ("53200", .unavailable), ("53300", .unavailable),
    ]

    /// Every failure of PostgreSQL before COMMIT that callers are told of, and its code.
    static var failures: [(error: PostgresError, code: StatusCode)] {
        kinds.map { kind, code in
            (PostgresError(kind, function: "f", message: "private"), code)
        }
            + states.map { state, code in
                (
                    PostgresError(
                        .serverError, function: "f", message: "private", sqlState: state), code
                )
            }
    }

    @Test("a failure of PostgreSQL before COMMIT: nothing was written, by this call")
    func beforeCommit() {
        for (error, code) in Self.failures {
            let mapped = status(for: error)
            #expect(mapped?.code == code, "\(error)")
            #expect(mapped?.message.contains("nothing was written by this call") == true)
            #expect(mapped?.message.contains("private") == false)
        }
        for kind in [PostgresError.Kind.rolledBack, .decoding, .serverError] {
            let fault = PostgresError(kind, function: "f", message: "m", sqlState: "42703")
            #expect(status(for: fault) == nil, "\(kind)")
        }
    }

    @Test("after a commit of the same call nobody is told that nothing was written, nor to retry")
    func afterCommit() async throws {
        let context = CallContext()
        try await CommitRecording.interceptor(context) { _ in
            #expect(
                status(for: Self.failures[0].error)?.message.contains("nothing was written") == true
            )
            CommitRecord.current?.noteCommit()
            for (error, _) in Self.failures {
                let mapped = status(for: error)
                #expect(mapped?.code == .unknown, "\(error)")
                #expect(mapped?.message.contains("nothing was written") == false)
                #expect(mapped?.message.contains("committed") == true)
            }
            // What a use case says itself, it says knowingly.
            #expect(status(for: Problem(.notFound, "x"))?.code == .notFound)
        }
        #expect(CommitRecord.current == nil)
    }

    @Test("what a call commits is recorded, but not of an agent's stream and of what never does")
    func recorded() {
        for path in [
            BerthV1.ServiceServiceMethods.createDatabaseService.path,
            BerthV1.DeploymentServiceMethods.redeployService.path,
            AgentV1.AgentServiceMethods.register.path,
        ] {
            #expect(CommitRecording.concerns(path), "\(path)")
        }
        for path in [
            AgentV1.AgentServiceMethods.connect.path, GRPCHealthV1.HealthMethods.check.path,
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ] {
            #expect(!CommitRecording.concerns(path), "\(path)")
        }
    }

    @Test("a repeated create whose answer cannot be read: committed before, ask again")
    func unreadAnswer() {
        for (error, code) in Self.failures {
            let mapped = status(for: CreateRequestUnread(cause: error))
            #expect(mapped?.code == code, "\(error)")
            #expect(mapped?.message.contains("nothing was written") == false)
            #expect(mapped?.message.contains("earlier call with this request_id") == true)
        }
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
