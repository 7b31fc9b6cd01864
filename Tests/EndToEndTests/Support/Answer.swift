/// How a call ended, as a foreign client tells it.
struct Answer: Sendable {
    /// The status's name as the gRPC documentation spells it, such as `NOT_FOUND`.
    let code: String
    /// The status's message; empty for OK.
    let message: String
    /// The `google.rpc.BadRequest` of the status, field → description, in its order.
    let violations: [Violation]
    /// The response; null when there is none.
    let response: JSON
    /// The id of the call in the status's `google.rpc.RequestInfo`; nil when there is none.
    var requestID: String?

    /// One field at fault.
    struct Violation: Hashable, Sendable {
        let field: String
        let description: String
    }

    /// The fields at fault, in order.
    var fields: [String] { violations.map(\.field) }

    static let codes = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED",
    ]
}
