/// A line of a container's output.
public struct LogLine: Hashable, Sendable {
    /// When it was written.
    public let time: Timestamp
    /// The line, without its end.
    public let text: String
    /// Whether it was written to standard error.
    public let isStandardError: Bool

    /// Makes a line.
    public init(time: Timestamp, text: String, isStandardError: Bool) {
        self.time = time
        self.text = text
        self.isStandardError = isStandardError
    }
}

/// The output of one container as it comes; ends with ``cancel()`` or when nobody holds it.
public protocol LogTail: AnyObject {
    /// Waits for more lines, oldest first, secrets replaced.
    ///
    /// - Returns: At least one line; `nil` at the end.
    /// - Throws: `CancellationError`; ``Problem``: `unavailable` when the agent went away,
    ///   `resourceExhausted` when the reader was too slow.
    func next() async throws -> [LogLine]?
    /// Stops reading; a waiting ``next()`` throws `CancellationError`.
    func cancel()
}
