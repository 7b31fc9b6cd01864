import Synchronization

/// Whether anything was committed on behalf of one piece of work, such as a call: what fails
/// afterwards must not be told as if nothing had been written.
///
/// Whoever wants to know runs the work with a record of its own as ``current``; every pool notes its
/// commits there.
public final class CommitRecord: Sendable {
    /// The record of the work that runs now; nil when nobody keeps one.
    @TaskLocal public static var current: CommitRecord?

    // Atomic only because a task-local value must be Sendable: a call stays on its loop.
    private let hasAny = Atomic(false)

    /// Begins with nothing committed.
    public init() {}

    /// Whether a transaction was committed, or its COMMIT was sent and not answered.
    public var mayHaveCommitted: Bool { hasAny.load(ordering: .relaxed) }

    /// Notes that a transaction was committed, or may have been.
    public func noteCommit() { hasAny.store(true, ordering: .relaxed) }
}
