public import Messages

/// A call with a stream in at least one direction; who drops it cancels it.
///
/// One task may write while another reads.
public final class OpenCall<Request: Message, Response: Message> {
    let call: ClientCall
    /// Whether the one response of a method that has no more is still to be taken.
    private var awaitsOnlyResponse: Bool

    init(_ call: ClientCall, hasOneResponse: Bool) {
        self.call = call
        awaitsOnlyResponse = hasOneResponse
    }

    deinit { call.abandon() }

    /// Sends a request; returns once there is room for another, so that a server that does not read
    /// makes its client wait. One caller at a time.
    /// - Throws: ``RPCStatus`` when the call has ended (FAILED_PRECONDITION when it ended well), or
    ///   the request cannot be encoded (INTERNAL) or is too large (RESOURCE_EXHAUSTED), which does
    ///   not end it; `CancellationError`, and the call is over.
    public func write(_ request: Request) async throws { try await call.write(request) }

    /// Says that no more requests come. May be said again.
    public func endRequests() { call.endRequests() }

    /// The next response, or nil when the call ended well. One caller at a time.
    ///
    /// Taking one gives the server room for another: a caller that does not ask slows it down.
    /// - Throws: ``RPCStatus`` when it ended otherwise, after the responses that came before (the only
    ///   response of a method that has no more is not given then), or UNIMPLEMENTED when that did not come;
    ///   `CancellationError`, and the call is over.
    public func next() async throws -> Response? {
        guard awaitsOnlyResponse else { return try await call.read(Response.self) }
        let response = try await call.readOnly(Response.self)
        awaitsOnlyResponse = false
        return response
    }

    /// The server's metadata, once its header section is there; empty when the call ended without.
    /// Not while another task is in ``next()``.
    /// - Throws: ``RPCStatus`` when the call failed before; `CancellationError`, and the call is over.
    public func initialMetadata() async throws -> Metadata { try await call.waitForHead() }

    /// What the server sent with the status; of use after the end.
    public var trailingMetadata: Metadata { call.trailingMetadata ?? Metadata() }

    /// Ends the call at once; who waits gets CANCELLED.
    public func cancel() { call.cancel() }
}
