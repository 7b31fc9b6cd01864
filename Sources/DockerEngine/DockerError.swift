/// A call of the Docker Engine API that did not succeed.
///
/// Carries names, codes and Docker's own message: never a request's body, for a container's
/// environment holds secrets.
public struct DockerError: Error, Equatable, CustomStringConvertible {
    /// What went wrong.
    public enum Kind: Equatable, Sendable {
        /// Nobody listens on the socket, or we may not use it. Nothing happened.
        case unreachable
        /// The engine answered with an HTTP status that is no success; ``DockerError/status`` says
        /// which.
        case refused
        /// The engine said within a stream that it failed, as a pull does.
        case failed
        /// The deadline passed. What was asked for may have happened.
        case timedOut
        /// The calling task was cancelled. What was asked for may have happened.
        case cancelled
        /// The connection broke before the end of the answer. What was asked for may have happened.
        case interrupted
        /// The answer is not what the Engine API says.
        case malformed
        /// The answer is longer than ``DockerLimits`` allow.
        case tooLarge
        /// The engine does not speak a version of the API that we do.
        case incompatible
        /// ``DockerLimits/requestsAtOnceMax`` requests run already. Nothing happened.
        case overloaded
        /// libcurl could not make the request. Nothing happened.
        case notSent
    }

    /// What went wrong.
    public let kind: Kind
    /// What was asked for, such as `create container`.
    public let operation: String
    /// The HTTP status, if the engine sent one that is no success.
    public let status: Int?
    /// Docker's message, or ours; at most ``messageBytesMax`` bytes.
    public let message: String

    /// The longest message that is kept.
    public static let messageBytesMax = 2048

    /// Describes a failure; longer messages are cut.
    public init(_ kind: Kind, operation: String, status: Int? = nil, message: String) {
        self.kind = kind
        self.operation = operation
        self.status = status
        let isShort = message.utf8.count <= DockerError.messageBytesMax
        self.message =
            isShort
            ? message
            : String(decoding: message.utf8.prefix(DockerError.messageBytesMax), as: UTF8.self)
    }

    /// The operation, the status and the message.
    public var description: String {
        "\(operation): \(kind)\(status.map { " \($0)" } ?? ""): \(message)"
    }

    /// Whether the engine has no such container, image, network or volume.
    public var isNotFound: Bool { status == 404 }
    /// Whether what is there stands in the way: a name in use, a container that runs.
    public var isConflict: Bool { status == 409 }
    /// Whether the same call may succeed later without anybody's doing.
    public var isTransient: Bool {
        switch kind {
        case .unreachable, .timedOut, .interrupted, .overloaded: true
        case .refused: (status ?? 0) >= 500
        default: false
        }
    }

    /// The same error with each of the texts replaced, wherever the message repeats it.
    func redacting(_ secrets: [String]) -> DockerError {
        var text = message
        // The longest first: one may be a part of another.
        for secret in secrets.sorted(by: { $0.utf8.count > $1.utf8.count }) where !secret.isEmpty {
            text = text.replacing(secret, with: "<secret>")
        }
        return DockerError(kind, operation: operation, status: status, message: text)
    }
}
