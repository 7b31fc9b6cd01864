/// A call with one request and one response; generated code lists them.
public struct UnaryMethod<Request: Message, Response: Message>: Sendable {
    /// The full name of the service, such as `grpc.health.v1.Health`.
    public let fullServiceName: String
    /// The method's own name, such as `Check`.
    public let name: String
    /// The HTTP/2 `:path`: `/` service `/` method.
    public let path: String

    /// Names the method.
    public init(fullServiceName: String, name: String) {
        self.fullServiceName = fullServiceName
        self.name = name
        path = "/\(fullServiceName)/\(name)"
    }
}

/// A call with one request and a stream of responses; generated code lists them.
public struct ServerStreamingMethod<Request: Message, Response: Message>: Sendable {
    /// The full name of the service, such as `grpc.health.v1.Health`.
    public let fullServiceName: String
    /// The method's own name, such as `Watch`.
    public let name: String
    /// The HTTP/2 `:path`: `/` service `/` method.
    public let path: String

    /// Names the method.
    public init(fullServiceName: String, name: String) {
        self.fullServiceName = fullServiceName
        self.name = name
        path = "/\(fullServiceName)/\(name)"
    }
}

/// A call with a stream of requests and one response; generated code lists them.
public struct ClientStreamingMethod<Request: Message, Response: Message>: Sendable {
    /// The full name of the service.
    public let fullServiceName: String
    /// The method's own name.
    public let name: String
    /// The HTTP/2 `:path`: `/` service `/` method.
    public let path: String

    /// Names the method.
    public init(fullServiceName: String, name: String) {
        self.fullServiceName = fullServiceName
        self.name = name
        path = "/\(fullServiceName)/\(name)"
    }
}

/// A call with a stream of requests and a stream of responses; generated code lists them.
public struct BidirectionalMethod<Request: Message, Response: Message>: Sendable {
    /// The full name of the service, such as `grpc.reflection.v1.ServerReflection`.
    public let fullServiceName: String
    /// The method's own name, such as `ServerReflectionInfo`.
    public let name: String
    /// The HTTP/2 `:path`: `/` service `/` method.
    public let path: String

    /// Names the method.
    public init(fullServiceName: String, name: String) {
        self.fullServiceName = fullServiceName
        self.name = name
        path = "/\(fullServiceName)/\(name)"
    }
}
