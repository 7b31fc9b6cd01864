/// An answer that was asked for and not waited for yet.
///
/// Lets a use case ask several stores before it waits for the first: all of it is one round trip.
public struct Pending<Value> {
    private let wait: () async throws -> Value

    /// Makes an answer that `wait` gives.
    public init(_ wait: @escaping () async throws -> Value) { self.wait = wait }

    /// Waits for the answer.
    /// - Throws: What asking for it led to.
    public func value() async throws -> Value { try await wait() }
}
