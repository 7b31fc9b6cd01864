public import EventLoops
import HTTP2

/// What a handler and the interceptors around it know of one call.
///
/// Belongs to the call's loop. It stays valid after the call has ended.
public final class CallContext {
    /// The method's path, such as `/grpc.health.v1.Health/Check`.
    public let methodPath: String
    /// When its header section was there.
    public let began = Instant.now()
    /// What the client sent beside its messages.
    public let metadata: Metadata
    /// When the caller gives up; nil when it said nothing. At that time the handler's task is
    /// cancelled and the caller has its DEADLINE_EXCEEDED.
    public let deadline: Instant?
    /// Sent before the first response; later changes have no effect.
    public var initialMetadata = Metadata()
    /// Sent with the status.
    public var trailingMetadata = Metadata()
    /// Whether responses are compressed when the client accepts it; nil leaves it to the server's
    /// limits. It may change between two responses.
    public var compressesResponses: Bool?
    /// Set by the handler of a call that only reads, such as a watch: should the server stop before it
    /// ends, the caller hears UNAVAILABLE and may simply call again.
    public var changesNothing = false
    /// Whether the request that was taken last came compressed.
    public internal(set) var isRequestCompressed = false

    /// Whether what the caller sent is no request, or too large: its fault, in whatever status it ends.
    var isRequestMalformed = false

    private let origin: CallOrigin
    private var values: [ObjectIdentifier: Any] = [:]

    /// The id that the log and an INTERNAL status give this call.
    public private(set) lazy var requestID: String = origin.requestID
    /// The client's address, such as `127.0.0.1:40312`.
    public private(set) lazy var peer: String = origin.peer

    /// Makes a context, for handlers' tests.
    public convenience init(
        methodPath: String = "/test.Service/Method",
        metadata: Metadata = Metadata(),
        deadline: Instant? = nil,
        requestID: String = "test-request",
        peer: String = "test-peer"
    ) {
        self.init(
            methodPath: methodPath,
            metadata: metadata,
            deadline: deadline,
            origin: .named(requestID: requestID, peer: peer)
        )
    }

    init(
        methodPath: String,
        metadata: Metadata,
        deadline: Instant?,
        origin: CallOrigin
    ) {
        self.methodPath = methodPath
        self.metadata = metadata
        self.deadline = deadline
        self.origin = origin
    }

    /// Which connection the call came on; nil in handlers' tests.
    var connection: ObjectIdentifier? {
        guard case .connection(let connection, _) = origin else { return nil }
        return ObjectIdentifier(connection)
    }

    /// What an interceptor left for the handler under `key`, such as the authenticated caller.
    public subscript<Key: CallContextKey>(key: Key.Type) -> Key.Value? {
        get { values[ObjectIdentifier(key)] as? Key.Value }
        set { values[ObjectIdentifier(key)] = newValue }
    }
}

/// Where a call comes from; texts are made when someone wants to read them.
enum CallOrigin {
    case connection(Connection, RequestID)
    case named(requestID: String, peer: String)

    var requestID: String {
        switch self {
        case .connection(_, let id): id.text
        case .named(let id, _): id
        }
    }

    var peer: String {
        switch self {
        case .connection(let connection, _): connection.peer.description
        case .named(_, let peer): peer
        }
    }
}

/// Names a value that interceptors hand to handlers through ``CallContext``.
public protocol CallContextKey {
    /// The value's type.
    associatedtype Value
}
