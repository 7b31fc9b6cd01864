public import Messages

/// Which handler answers which method.
///
/// Filled once on its loop, before the server takes calls. Handlers and interceptors are called on
/// that loop, so they may hold the loop's plain state.
public final class Router {
    private(set) var methods = MethodTable()
    private(set) var observers: [CallObserver] = []
    private var layers: [Layer] = []

    /// An interceptor in a struct: functions kept bare in an array are called through thunks, each an
    /// asynchronous frame of its own.
    struct Layer {
        let run: Interceptor
        /// Whether it is around the handler of the method with this path.
        let isAround: (String) -> Bool
    }

    /// Makes a router without methods.
    public init() {}

    /// Answers a method of one request and one response. Replaces what was registered before.
    public func register<Request, Response>(
        _ method: UnaryMethod<Request, Response>,
        _ handler: @escaping (Request, CallContext) async throws -> Response
    ) {
        insert(UnaryHandler(path: method.path, handler: handler))
    }

    /// Answers a method of one request and any number of responses.
    public func register<Request, Response>(
        _ method: ServerStreamingMethod<Request, Response>,
        _ handler: @escaping (Request, ResponseWriter<Response>, CallContext) async throws -> Void
    ) {
        insert(ServerStreamingHandler(path: method.path, handler: handler))
    }

    /// Answers a method of any number of requests and one response.
    public func register<Request, Response>(
        _ method: ClientStreamingMethod<Request, Response>,
        _ handler: @escaping (RequestStream<Request>, CallContext) async throws -> Response
    ) {
        insert(ClientStreamingHandler(path: method.path, handler: handler))
    }

    /// Answers a method of any number of requests and responses, in any order.
    public func register<Request, Response>(
        _ method: BidirectionalMethod<Request, Response>,
        _ handler:
            @escaping (
                RequestStream<Request>, ResponseWriter<Response>, CallContext
            ) async throws -> Void
    ) {
        insert(BidirectionalHandler(path: method.path, handler: handler))
    }

    private func insert(_ handler: any MethodHandler) {
        handler.layers = layers.filter { $0.isAround(handler.path) }
        methods.insert(handler)
    }

    /// Tells `observer` of every call, after those added before it.
    public func observe(_ observer: CallObserver) { observers.append(observer) }

    /// Puts `interceptor` inside those added before it and around the handlers of the methods whose paths
    /// `isAround` takes; of every method when it is not given. Asked once a method, not once a call.
    public func intercept(
        _ interceptor: @escaping Interceptor,
        where isAround: @escaping (_ methodPath: String) -> Bool = { _ in true }
    ) {
        let layer = Layer(run: interceptor, isAround: isAround)
        layers.append(layer)
        for handler in methods.all where isAround(handler.path) { handler.layers.append(layer) }
    }

    /// Asks `admission` as soon as a call's header section is there, before anything of its request is
    /// taken; after the methods that it is for are registered.
    public func admit(
        where isFor: (_ methodPath: String) -> Bool, _ admission: @escaping Admission
    ) {
        for handler in methods.all where isFor(handler.path) { handler.admission = admission }
    }

    /// Bounds the requests of methods by limits of their own, of which the bytes are called
    /// requestBytesMax; after the methods that it is for are registered.
    public func limitRequests(
        to limits: MessageLimits, where isFor: (_ methodPath: String) -> Bool
    ) {
        for handler in methods.all where isFor(handler.path) { handler.requestLimits = limits }
    }

    /// The registered paths, sorted.
    public var paths: [String] { methods.paths.sorted() }
}
