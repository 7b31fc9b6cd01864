/// Plain functions at the beginning and at the end of every call whose handler runs; they wait for nothing.
///
/// Such a pair costs two calls of functions, an ``Interceptor`` four asynchronous frames. Observers begin in
/// the order in which they were added, before any interceptor, and end in the opposite order.
public struct CallObserver {
    /// The call begins; what it throws refuses the call. Then `ends` is not called, and neither are the
    /// observers, interceptors and the handler that would have come after.
    public let begins: (CallContext) throws -> Void
    /// The call has ended: with the status given, or well when there is none.
    public let ends: (CallContext, RPCStatus?) -> Void

    /// Makes a pair.
    public init(
        begins: @escaping (CallContext) throws -> Void = { _ in },
        ends: @escaping (CallContext, RPCStatus?) -> Void
    ) {
        self.begins = begins
        self.ends = ends
    }
}
