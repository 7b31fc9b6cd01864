import Domain
import Messages
import PostgresClient
import RPC
import Services
import StandardMessages

/// The gRPC status of what a handler threw; `nil` for what callers must learn nothing of.
///
/// Field violations travel as `google.rpc.BadRequest` in `grpc-status-details-bin`. What a failure of
/// PostgreSQL means for what was asked depends on what the call has done before: ``CommitRecord``
/// knows, and a use case may know more.
func status(for error: any Error) -> RPCStatus? {
    switch error {
    case let problem as Problem: status(for: problem)
    case let failure as PostgresError:
        // A COMMIT without an answer speaks for itself, and is on the record too.
        if failure.kind != .outcomeUnknown, CommitRecord.current?.mayHaveCommitted == true {
            RPCStatus(
                .unknown,
                "unknown outcome: it broke off after a part of the change, or all of it, was "
                    + "committed; look before you repeat it")
        } else {
            status(for: failure, claim: "nothing was written by this call")
        }
    case let unread as CreateRequestUnread:
        status(
            for: unread.cause,
            claim: "an earlier call with this request_id was committed; ask again for its answer")
    default: nil
    }
}

private func status(for problem: Problem) -> RPCStatus? {
    let code: StatusCode? =
        switch problem.kind {
        case .invalidArgument: .invalidArgument
        case .unauthenticated: .unauthenticated
        case .permissionDenied: .permissionDenied
        case .notFound: .notFound
        case .alreadyExists: .alreadyExists
        case .failedPrecondition: .failedPrecondition
        case .aborted: .aborted
        case .resourceExhausted: .resourceExhausted
        case .unavailable: .unavailable
        case .internalFault: nil
        }
    guard let code else { return nil }
    return RPCStatus(code, problem.message, details: details(of: problem, code))
}

/// - Parameter claim: What is certain about what the caller asked for.
private func status(for failure: PostgresError, claim: String) -> RPCStatus? {
    switch failure.kind {
    case .unavailable, .connectionFailed:
        RPCStatus(.unavailable, "Berth's database is away; \(claim)")
    case .connectionLost:
        RPCStatus(.unavailable, "the connection to Berth's database broke; \(claim)")
    case .closed:
        RPCStatus(.unavailable, "the server is stopping; \(claim)")
    case .poolExhausted:
        RPCStatus(
            .resourceExhausted,
            "too many calls wait for Berth's database (waitersMax), or this one did for too long "
                + "(waitDurationMax), try again later; \(claim)")
    case .cancelled:
        RPCStatus(.cancelled, "the call was cancelled; \(claim)")
    case .outcomeUnknown:
        RPCStatus(
            .unknown,
            "unknown outcome: the change may have been committed; repeating the call with the "
                + "request_id that it had tells, without one look before you repeat it")
    case .statementStale:
        RPCStatus(.unavailable, "Berth's tables changed during the call, try again; \(claim)")
    case .serverError:
        status(forServerError: failure.sqlState ?? "", claim)
    case .rolledBack, .decoding:
        nil
    }
}

/// What PostgreSQL refuses for a reason that passes (PostgreSQL manual, appendix A).
private func status(forServerError sqlState: String, _ claim: String) -> RPCStatus? {
    switch sqlState {
    case "40001", "40P01":
        RPCStatus(.aborted, "another call was in the way, try again; \(claim)")
    case "57014":
        RPCStatus(.unavailable, "Berth's database took too long; \(claim)")
    case "25006", "57P01", "57P02", "57P03":
        RPCStatus(.unavailable, "Berth's database does not take writes now; \(claim)")
    case "53000", "53100", "53200", "53300":
        RPCStatus(.unavailable, "Berth's database is short of resources; \(claim)")
    default:
        nil
    }
}

private func details(of problem: Problem, _ code: StatusCode) -> [UInt8] {
    guard !problem.violations.isEmpty else { return [] }
    var badRequest = GoogleRPC.BadRequest()
    badRequest.fieldViolations = problem.violations.map { violation in
        var message = GoogleRPC.BadRequest.FieldViolation()
        message.field = violation.field
        message.description = violation.rule
        return message
    }
    var status = GoogleRPC.Status()
    status.code = Int32(code.rawValue)
    status.message = problem.message
    // Details are an extra: a status whose details cannot be packed still says what is wrong.
    guard let packed = try? GoogleProtobuf.AnyMessage(packing: badRequest) else { return [] }
    status.details = [packed]
    return (try? Wire.encode(status)) ?? []
}
