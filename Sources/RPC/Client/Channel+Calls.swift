import EventLoops
public import Messages

/// What a call with one response brought.
public struct UnaryResponse<Response: Message>: Sendable {
    /// The response.
    public let message: Response
    /// What the server sent before it.
    public let initialMetadata: Metadata
    /// What the server sent with the status.
    public let trailingMetadata: Metadata
}

extension Channel {
    /// Makes a call of one request and one response.
    /// - Throws: ``RPCStatus``, the server's or one from here: UNAVAILABLE when there is no connection
    ///   or it broke, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED at one of ``ChannelLimits``, INTERNAL for
    ///   an answer that breaks gRPC's rules; `CancellationError` when the task was cancelled, and so
    ///   was the call.
    public func call<Request, Response>(
        _ method: UnaryMethod<Request, Response>, _ request: Request,
        _ options: CallOptions = CallOptions()
    ) async throws -> Response {
        try await exchange(method, request, options).message
    }

    /// Makes a call of one request and one response, and keeps the response's metadata.
    /// - Throws: ``RPCStatus``; `CancellationError`; as ``call(_:_:_:)``.
    public func exchange<Request, Response>(
        _ method: UnaryMethod<Request, Response>, _ request: Request,
        _ options: CallOptions = CallOptions()
    ) async throws -> UnaryResponse<Response> {
        let call = try begin(method.path, options)
        try sendOnly(request, on: call)
        let message = try await call.readOnly(Response.self)
        return UnaryResponse(
            message: message, initialMetadata: call.initialMetadata ?? Metadata(),
            trailingMetadata: call.trailingMetadata ?? Metadata())
    }

    /// Makes a call of one request and a stream of responses; returns once it is sent.
    /// - Throws: ``RPCStatus``; `CancellationError`.
    public func call<Request, Response>(
        _ method: ServerStreamingMethod<Request, Response>, _ request: Request,
        _ options: CallOptions = CallOptions()
    ) async throws -> OpenCall<Request, Response> {
        let call = try begin(method.path, options)
        try sendOnly(request, on: call)
        return try await sent(call)
    }

    /// Makes a call of a stream of requests and one response: write, end the requests, and take the
    /// one response by `next`, which gives it once the call ended well. Returns once it is sent.
    /// - Throws: ``RPCStatus``; `CancellationError`.
    public func call<Request, Response>(
        _ method: ClientStreamingMethod<Request, Response>, _ options: CallOptions = CallOptions()
    ) async throws -> OpenCall<Request, Response> {
        try await sent(begin(method.path, options), hasOneResponse: true)
    }

    /// Makes a call with a stream in each direction; returns once it is sent.
    /// - Throws: ``RPCStatus``; `CancellationError`.
    public func call<Request, Response>(
        _ method: BidirectionalMethod<Request, Response>, _ options: CallOptions = CallOptions()
    ) async throws -> OpenCall<Request, Response> {
        try await sent(begin(method.path, options))
    }

    private func begin(_ path: String, _ options: CallOptions) throws -> ClientCall {
        // A call from another thread would corrupt the loop's state.
        reactor.loop.executor.checkIsolated()
        try Task.checkCancellation()
        if isRefusing { throw closedStatus }
        let call = ClientCall(path: path, options: options, channel: self)
        call.start()
        return call
    }

    /// Sends the only request; a call that cannot send it is over.
    private func sendOnly<Request: Message>(_ request: Request, on call: ClientCall) throws {
        do {
            try call.writeOnly(request)
        } catch {
            call.fail(error)
            throw error
        }
    }

    private func sent<Request, Response>(
        _ call: ClientCall, hasOneResponse: Bool = false
    ) async throws -> OpenCall<Request, Response> {
        let open = OpenCall<Request, Response>(call, hasOneResponse: hasOneResponse)
        try await call.waitUntilSent()
        return open
    }
}
