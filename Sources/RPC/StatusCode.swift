/// The code of a call's outcome, as gRPC numbers them (grpc.io, "Status codes").
public enum StatusCode: UInt8, Sendable, CaseIterable {
    /// Not an error.
    case ok = 0
    /// The caller gave up.
    case cancelled = 1
    /// An error of which nothing more is known.
    case unknown = 2
    /// The request is wrong whatever the state of the system.
    case invalidArgument = 3
    /// The deadline passed; the operation may have happened all the same.
    case deadlineExceeded = 4
    /// What was asked for does not exist, or not for this caller.
    case notFound = 5
    /// What was to be created exists.
    case alreadyExists = 6
    /// The caller is known and may not do this.
    case permissionDenied = 7
    /// A quota or a limit is used up.
    case resourceExhausted = 8
    /// The system is not in the state that the operation needs.
    case failedPrecondition = 9
    /// The operation was aborted, typically by a conflict; a retry at a higher level may succeed.
    case aborted = 10
    /// Past the end of a valid range.
    case outOfRange = 11
    /// The method does not exist here, or the request's form is not supported.
    case unimplemented = 12
    /// An invariant broke.
    case `internal` = 13
    /// The service cannot answer now; a retry may succeed.
    case unavailable = 14
    /// Data is lost or corrupt.
    case dataLoss = 15
    /// The caller did not prove who it is.
    case unauthenticated = 16

    /// The name in the gRPC documents, such as `NOT_FOUND`.
    public var name: String { StatusCode.names[Int(rawValue)] }

    private static let names = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED",
    ]
}
