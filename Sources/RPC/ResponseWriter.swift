public import Messages

/// Where a streaming handler puts its responses.
public final class ResponseWriter<Response: Message> {
    private let send: (Response) async throws -> Void

    /// Makes a writer that gives its messages to `send`. For handlers' tests, and for servers.
    public init(send: @escaping (Response) async throws -> Void) { self.send = send }

    /// Sends one response; returns once there is room for another.
    ///
    /// One caller at a time.
    /// - Throws: `CancellationError` when the call has ended; ``RPCStatus`` when the message cannot
    ///   be encoded (INTERNAL) or is too large to queue (RESOURCE_EXHAUSTED).
    public func write(_ response: Response) async throws { try await send(response) }
}
