/// A function around calls: it may look at the context, refuse by throwing, run `proceed` once, and see
/// how it ended.
///
/// Interceptors run in the order in which they were added, the first outermost. What `proceed`
/// throws is always an ``RPCStatus`` or a `CancellationError`.
public typealias Interceptor = (
    _ context: CallContext, _ proceed: (CallContext) async throws -> Void
) async throws -> Void

/// Refuses a call by throwing, from what its header section says; before its request has come, and so
/// before observers and interceptors see it.
public typealias Admission = (CallContext) throws -> Void
