public import Messages

/// The requests of one call, in order, as they arrive.
///
/// Taking a request is what gives the client room to send the next one: a handler that does not
/// ask slows its client down.
public final class RequestStream<Request: Message> {
    private let receive: () async throws -> Request?
    private let receiveWithin: (Duration, String) async throws -> Request?

    /// Makes a stream that takes its messages from `receive`; nil is the end. For handlers' tests,
    /// and for servers.
    public init(receive: @escaping () async throws -> Request?) {
        self.receive = receive
        receiveWithin = { _, _ in try await receive() }
    }

    init(_ call: any MessageExchange) {
        receive = { try await call.receive(Request.self) }
        receiveWithin = { try await call.receive(Request.self, within: $0, limit: $1) }
    }

    /// Makes a stream of `messages`, for handlers' tests.
    public convenience init(_ messages: [Request]) {
        var rest = messages[...]
        self.init { rest.popFirst() }
    }

    /// The next request, or nil after the client's last.
    ///
    /// One caller at a time.
    /// - Throws: `CancellationError` when the call ended first; ``RPCStatus`` when what arrived is
    ///   not a message (INTERNAL) or is too large (RESOURCE_EXHAUSTED).
    public func next() async throws -> Request? { try await receive() }

    /// The next request, or nil after the client's last, if it comes in time.
    ///
    /// One caller at a time.
    /// - Parameter limit: The name of what allows that time, for the status.
    /// - Throws: As ``next()``; ``RPCStatus`` RESOURCE_EXHAUSTED when none came within `time`.
    func next(within time: Duration, limit: String) async throws -> Request? {
        try await receiveWithin(time, limit)
    }
}
