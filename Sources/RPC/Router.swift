public import Messages

/// Which handler answers which method.
///
/// Filled once on its loop, before the server takes calls. Handlers and interceptors are called on
/// that loop, so they may hold the loop's plain state.
public final class Router {
    private(set) var methods = MethodTable()
    private(set) var layers: [Layer] = []

    /// An interceptor in a struct: functions kept bare in an array are called through thunks, each an
    /// asynchronous frame of its own.
    struct Layer {
        let run: Interceptor
    }

    /// Makes a router without methods.
    public init() {}

    /// Answers a method of one request and one response. Replaces what was registered before.
    public func register<Request, Response>(
        _ method: UnaryMethod<Request, Response>,
        _ handler: @escaping (Request, CallContext) async throws -> Response
    ) {
        methods.insert(UnaryHandler(path: method.path, handler: handler))
    }

    /// Answers a method of one request and any number of responses.
    public func register<Request, Response>(
        _ method: ServerStreamingMethod<Request, Response>,
        _ handler: @escaping (Request, ResponseWriter<Response>, CallContext) async throws -> Void
    ) {
        methods.insert(ServerStreamingHandler(path: method.path, handler: handler))
    }

    /// Answers a method of any number of requests and one response.
    public func register<Request, Response>(
        _ method: ClientStreamingMethod<Request, Response>,
        _ handler: @escaping (RequestStream<Request>, CallContext) async throws -> Response
    ) {
        methods.insert(ClientStreamingHandler(path: method.path, handler: handler))
    }

    /// Answers a method of any number of requests and responses, in any order.
    public func register<Request, Response>(
        _ method: BidirectionalMethod<Request, Response>,
        _ handler:
            @escaping (
                RequestStream<Request>, ResponseWriter<Response>, CallContext
            ) async throws -> Void
    ) {
        methods.insert(BidirectionalHandler(path: method.path, handler: handler))
    }

    /// Puts `interceptor` inside those added before it and around every handler.
    public func intercept(_ interceptor: @escaping Interceptor) {
        layers.append(Layer(run: interceptor))
    }

    /// The registered paths, sorted.
    public var paths: [String] { methods.paths.sorted() }
}
