import Domain
import Messages
import PostgresClient
import RPC
import StandardMessages

/// The gRPC status of what a handler threw; `nil` for what callers must learn nothing of.
///
/// Field violations travel as `google.rpc.BadRequest` in `grpc-status-details-bin`.
func status(for error: any Error) -> RPCStatus? {
    switch error {
    case let problem as Problem: status(for: problem)
    case let failure as PostgresError: status(for: failure)
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

private func status(for failure: PostgresError) -> RPCStatus? {
    switch failure.kind {
    case .unavailable, .connectionFailed:
        RPCStatus(.unavailable, "Berth's database is away; nothing was written")
    case .connectionLost:
        RPCStatus(.unavailable, "the connection to Berth's database broke; nothing was written")
    case .closed:
        RPCStatus(.unavailable, "the server is stopping")
    case .poolExhausted:
        RPCStatus(.resourceExhausted, "too many calls wait for Berth's database; try again later")
    case .cancelled:
        RPCStatus(.cancelled, "the call was cancelled; nothing was written")
    case .outcomeUnknown:
        RPCStatus(
            .unknown,
            "unknown outcome: the change may have been committed; repeating the call with the "
                + "request_id that it had tells, without one look before you repeat it")
    case .serverError:
        status(forServerError: failure.sqlState ?? "")
    case .rolledBack, .decoding:
        nil
    }
}

/// What PostgreSQL refuses for a reason that passes (PostgreSQL manual, appendix A).
private func status(forServerError sqlState: String) -> RPCStatus? {
    switch sqlState {
    case "40001", "40P01":
        RPCStatus(.aborted, "another call was in the way; nothing was written, try again")
    case "57014":
        RPCStatus(.unavailable, "Berth's database took too long; nothing was written")
    case "25006", "57P01", "57P02", "57P03":
        RPCStatus(.unavailable, "Berth's database does not take writes now; nothing was written")
    case "53000", "53100", "53200", "53300":
        RPCStatus(.unavailable, "Berth's database is short of resources; nothing was written")
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
