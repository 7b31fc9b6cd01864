import EventLoops
public import Messages

extension Channel {
    /// Makes a call of one request and one response.
    /// - Throws: ``RPCStatus``; `CancellationError` when the task was cancelled, and so was the call.
    public func call<Request, Response>(
        _ method: UnaryMethod<Request, Response>, _ request: Request,
        _ options: CallOptions = CallOptions()
    ) async throws -> Response {
        let deadline = options.timeout.map { Instant.now().advanced(by: $0) }
        return try await attempt(options, deadline) { call in
            try call.begin(method.path, options, deadline: deadline)
            try call.queue(request)
            call.endRequests()
            let response = try await call.receive(Response.self)
            guard let response else {
                throw RPCStatus(.internal, "the server ended the call without a response")
            }
            guard try await call.receive(Response.self) == nil else {
                throw RPCStatus(.internal, "the server sent more than one response")
            }
            return response
        }
    }

    /// Makes a call of one request and a stream of responses.
    /// - Throws: ``RPCStatus``; `CancellationError`.
    public func call<Request, Response>(
        _ method: ServerStreamingMethod<Request, Response>, _ request: Request,
        _ options: CallOptions = CallOptions()
    ) async throws -> OpenCall<Request, Response> {
        let open: OpenCall<Request, Response> = try await begin(method.path, options) { call in
            try call.queue(request)
            call.endRequests()
        }
        return open
    }

    /// Makes a call of a stream of requests and one response: write, end the requests, and take the
    /// one response by `next`.
    /// - Throws: ``RPCStatus``; `CancellationError`.
    public func call<Request, Response>(
        _ method: ClientStreamingMethod<Request, Response>, _ options: CallOptions = CallOptions()
    ) async throws -> OpenCall<Request, Response> {
        try await begin(method.path, options) { _ in }
    }

    /// Makes a call with a stream in each direction.
    /// - Throws: ``RPCStatus``; `CancellationError`.
    public func call<Request, Response>(
        _ method: BidirectionalMethod<Request, Response>, _ options: CallOptions = CallOptions()
    ) async throws -> OpenCall<Request, Response> {
        try await begin(method.path, options) { _ in }
    }

    private func begin<Request, Response>(
        _ path: String, _ options: CallOptions, _ first: (ClientCall) throws -> Void
    ) async throws -> OpenCall<Request, Response> {
        let deadline = options.timeout.map { Instant.now().advanced(by: $0) }
        let call = ClientCall(self, on: try await connection(options, deadline))
        try call.begin(path, options, deadline: deadline)
        if let deadline { expire(call, at: deadline) }
        try first(call)
        return OpenCall(call)
    }

    /// Runs attempts of a call until one tells how it ended.
    private func attempt<Result>(
        _ options: CallOptions, _ deadline: Instant?,
        _ body: (ClientCall) async throws -> Result
    ) async throws -> Result {
        var pause = limits.retryPause
        var number = 1
        while true {
            let call = ClientCall(self, on: try await connection(options, deadline))
            let timer = deadline.map { expire(call, at: $0) }
            defer { timer?.cancel() }
            do {
                return try await body(call)
            } catch let status as RPCStatus {
                call.end(status)
                guard number < limits.attemptsMax, !call.hasResponse else { throw status }
                if call.mayBeProcessed {
                    guard options.isRepeatable, status.code == .unavailable else { throw status }
                    try await reactor.sleep(for: pause * Double.random(in: 0.8...1.2))
                    pause *= 2
                }
                number += 1
            } catch {
                call.end(RPCStatus(.cancelled, "the caller gave up"))
                throw error
            }
        }
    }

    @discardableResult
    private func expire(_ call: ClientCall, at deadline: Instant) -> LoopTimer {
        reactor.schedule(at: deadline) { [weak call] in
            call?.end(
                RPCStatus(
                    .deadlineExceeded,
                    "the deadline passed before the call ended; what it asked for may have been done"
                ))
        }
    }
}
