/// The one error that modules throw.
///
/// A problem has a half for the caller (kind and message, field violations) and a private half
/// (context and cause) that reaches the log alone. Its description prints only the safe half; its
/// debug description, which the server logs of a fault that it hides from the caller, prints both.
public struct Problem: Error, CustomStringConvertible, CustomDebugStringConvertible {
    /// What went wrong, as far as a caller can act on it.
    public enum Kind: Hashable, Sendable {
        /// The request breaks rules of its fields; see ``Problem/violations``.
        case invalidArgument
        /// No valid token came with the call.
        case unauthenticated
        /// The caller's role does not allow this.
        case permissionDenied
        /// The thing does not exist, or the caller may not know that it does.
        case notFound
        /// Something with the same unique name or request id exists.
        case alreadyExists
        /// The state of things forbids this now.
        case failedPrecondition
        /// Something newer took its place.
        case aborted
        /// A limit or quota is reached; the message names it.
        case resourceExhausted
        /// Something needed is away; trying again later can succeed.
        case unavailable
        /// A fault of Berth's own.
        case internalFault
    }

    /// One field and the rule that it breaks.
    public struct FieldViolation: Hashable, Sendable {
        /// The field's path as the request's message names it, such as `database_name`.
        public let field: String
        /// The rule in plain English, fit for the caller.
        public let rule: String

        /// Names a field and the rule that it breaks.
        public init(field: String, rule: String) {
            self.field = field
            self.rule = rule
        }
    }

    /// What went wrong.
    public let kind: Kind
    /// A sentence fit for the caller: no secret, no SQL, no internals.
    public let message: String
    /// The fields at fault, in the request's order; empty when none is.
    public let violations: [FieldViolation]
    /// What the log alone shall say.
    public let privateContext: String
    /// The error below this one, for the log alone.
    public let cause: (any Error)?

    /// Makes a problem.
    public init(
        _ kind: Kind, _ message: String, violations: [FieldViolation] = [],
        privateContext: String = "", cause: (any Error)? = nil
    ) {
        self.kind = kind
        self.message = message
        self.violations = violations
        self.privateContext = privateContext
        self.cause = cause
    }

    /// A request whose fields break rules; every violation at once.
    public static func invalid(_ violations: [FieldViolation]) -> Problem {
        let list = violations.map { "\($0.field): \($0.rule)" }.joined(separator: "; ")
        return Problem(.invalidArgument, list, violations: violations)
    }

    /// The kind and the caller's message.
    public var description: String { "\(kind): \(message)" }

    /// Both halves and the cause, for the log alone.
    public var debugDescription: String {
        var text = description
        if !privateContext.isEmpty { text += " [\(privateContext)]" }
        if let cause { text += " caused by \(String(reflecting: cause))" }
        return text
    }
}
