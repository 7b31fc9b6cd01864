public import Messages

/// A call with a stream in at least one direction; who drops it cancels it.
public final class OpenCall<Request: Message, Response: Message> {
    private let call: ClientCall

    init(_ call: ClientCall) { self.call = call }

    deinit { call.end(RPCStatus(.cancelled, "the caller dropped the call")) }

    /// Sends a request; returns once there is room for another. One caller at a time.
    /// - Throws: ``RPCStatus`` when the call has ended; `CancellationError`.
    public func write(_ request: Request) async throws {
        try call.queue(request)
        try await cancelling { try await call.awaitRoom() }
    }

    /// Says that no more requests come.
    public func endRequests() { call.endRequests() }

    /// The next response, or nil when the call ended well. One caller at a time.
    /// - Throws: ``RPCStatus`` when it ended otherwise; `CancellationError`, and the call is over.
    public func next() async throws -> Response? {
        try await cancelling { try await call.receive(Response.self) }
    }

    /// The server's metadata, once its header section is there.
    /// - Throws: `CancellationError`, and the call is over.
    public func initialMetadata() async throws -> Metadata {
        try await cancelling { try await call.awaitHeaders() }
        return call.initialMetadata
    }

    /// What the server sent with the status; of use after the end.
    public var trailingMetadata: Metadata { call.trailingMetadata }

    /// Ends the call at once; who waits gets CANCELLED.
    public func cancel() { call.end(RPCStatus(.cancelled, "the caller cancelled the call")) }

    private func cancelling<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as CancellationError {
            cancel()
            throw error
        }
    }
}
