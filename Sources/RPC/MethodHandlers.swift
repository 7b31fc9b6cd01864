import Messages

/// A registered handler with its types erased.
protocol MethodHandler: AnyObject {
    /// The method's path.
    var path: String { get }
    /// What its calls came to.
    var metrics: MethodMetrics { get }
    /// The interceptors around it, the outermost first.
    var layers: [Router.Layer] { get set }
    /// What a call must show before anything of its request is taken.
    var admission: Admission? { get set }
    /// What one request may cost; nil for what the server's limits say.
    var requestLimits: MessageLimits? { get set }
    /// Whether the handler shall run only once the whole request is there: it saves a suspension.
    var awaitsWholeRequest: Bool { get }
    /// Runs the handler on what the call receives and gives the call what it answers.
    func run(_ call: any MessageExchange, _ context: CallContext) async throws
}

/// The two directions of a call, as handlers see them.
protocol MessageExchange: AnyObject {
    /// The request of a method that takes exactly one, if all of it is there and nothing but it;
    /// else nil, and ``receiveOnly(_:)`` waits or says what is wrong.
    func takeOnly<Request: Message>(_ type: Request.Type) throws -> Request?
    /// The next request, or nil at the end.
    func receive<Request: Message>(_ type: Request.Type) async throws -> Request?
    /// The next request, or nil at the end; RESOURCE_EXHAUSTED, naming the limit, when none came in
    /// that time.
    func receive<Request: Message>(
        _ type: Request.Type, within time: Duration, limit: String
    ) async throws -> Request?
    /// Queues a response and waits until there is room for another.
    func send<Response: Message>(_ response: Response) async throws
    /// Queues the only response; the status follows at once, so nobody waits.
    func sendOnly<Response: Message>(_ response: Response) throws
}

extension MessageExchange {
    /// The one request of a method that takes exactly one.
    func receiveOnly<Request: Message>(_ type: Request.Type) async throws -> Request {
        guard let request = try await receive(type) else {
            throw RPCStatus(.unimplemented, "the method takes one request and none was sent")
        }
        guard try await receive(type) == nil else {
            throw RPCStatus(.unimplemented, "the method takes one request and more were sent")
        }
        return request
    }
}

final class UnaryHandler<Request: Message, Response: Message>: MethodHandler {
    let path: String
    let metrics = MethodMetrics()
    var layers: [Router.Layer] = []
    var admission: Admission?
    var requestLimits: MessageLimits?
    var awaitsWholeRequest: Bool { true }
    private let handler: (Request, CallContext) async throws -> Response

    init(path: String, handler: @escaping (Request, CallContext) async throws -> Response) {
        self.path = path
        self.handler = handler
    }

    func run(_ call: any MessageExchange, _ context: CallContext) async throws {
        // Without an await where none is needed: each costs a few hundred instructions.
        let request: Request
        if let whole = try call.takeOnly(Request.self) {
            request = whole
        } else {
            request = try await call.receiveOnly(Request.self)
        }
        let response = try await handler(request, context)
        try call.sendOnly(response)
    }
}

final class ServerStreamingHandler<Request: Message, Response: Message>: MethodHandler {
    typealias Handler = (Request, ResponseWriter<Response>, CallContext) async throws -> Void

    let path: String
    let metrics = MethodMetrics()
    var layers: [Router.Layer] = []
    var admission: Admission?
    var requestLimits: MessageLimits?
    var awaitsWholeRequest: Bool { true }
    private let handler: Handler

    init(path: String, handler: @escaping Handler) {
        self.path = path
        self.handler = handler
    }

    func run(_ call: any MessageExchange, _ context: CallContext) async throws {
        let request = try await call.receiveOnly(Request.self)
        try await handler(request, ResponseWriter { try await call.send($0) }, context)
    }
}

final class ClientStreamingHandler<Request: Message, Response: Message>: MethodHandler {
    typealias Handler = (RequestStream<Request>, CallContext) async throws -> Response

    let path: String
    let metrics = MethodMetrics()
    var layers: [Router.Layer] = []
    var admission: Admission?
    var requestLimits: MessageLimits?
    var awaitsWholeRequest: Bool { false }
    private let handler: Handler

    init(path: String, handler: @escaping Handler) {
        self.path = path
        self.handler = handler
    }

    func run(_ call: any MessageExchange, _ context: CallContext) async throws {
        let requests = RequestStream<Request>(call)
        let response = try await handler(requests, context)
        try call.sendOnly(response)
    }
}

final class BidirectionalHandler<Request: Message, Response: Message>: MethodHandler {
    typealias Handler = (
        RequestStream<Request>, ResponseWriter<Response>, CallContext
    ) async throws -> Void

    let path: String
    let metrics = MethodMetrics()
    var layers: [Router.Layer] = []
    var admission: Admission?
    var requestLimits: MessageLimits?
    var awaitsWholeRequest: Bool { false }
    private let handler: Handler

    init(path: String, handler: @escaping Handler) {
        self.path = path
        self.handler = handler
    }

    func run(_ call: any MessageExchange, _ context: CallContext) async throws {
        let requests = RequestStream<Request>(call)
        let responses = ResponseWriter<Response> { try await call.send($0) }
        try await handler(requests, responses, context)
    }
}
