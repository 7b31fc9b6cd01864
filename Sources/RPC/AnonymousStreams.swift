import Messages

/// Bounds the streams that anyone may keep open for as long as they like, without a credential: those
/// that watch health, and those that ask for reflection. Without a bound they could hold every handler
/// that a loop runs, and nobody else would be served.
///
/// One for all such services of a loop.
public final class AnonymousStreams {
    private let limits: ServerLimits
    private var openOnLoop = 0
    private var openOnConnection: [ObjectIdentifier: Int] = [:]

    /// Makes a bound of these limits; those that are used begin with `anonymousStream`.
    public init(_ limits: ServerLimits = ServerLimits()) { self.limits = limits }

    /// Counts a stream; ``leave(_:)`` must follow.
    /// - Throws: ``RPCStatus`` RESOURCE_EXHAUSTED that names the limit.
    func enter(_ context: CallContext) throws(RPCStatus) {
        guard openOnLoop < limits.anonymousStreamsMax else {
            throw AnonymousStreams.reached("anonymousStreamsMax", limits.anonymousStreamsMax)
        }
        if let connection = context.connection {
            let open = openOnConnection[connection, default: 0]
            guard open < limits.anonymousStreamsPerConnectionMax else {
                throw AnonymousStreams.reached(
                    "anonymousStreamsPerConnectionMax", limits.anonymousStreamsPerConnectionMax)
            }
            openOnConnection[connection] = open + 1
        }
        openOnLoop += 1
    }

    /// Forgets a stream that ended.
    func leave(_ context: CallContext) {
        openOnLoop -= 1
        guard let connection = context.connection else { return }
        let open = openOnConnection[connection, default: 1]
        openOnConnection[connection] = open > 1 ? open - 1 : nil
    }

    /// The next request of such a stream, if it comes in time.
    /// - Throws: ``RPCStatus`` RESOURCE_EXHAUSTED that names the limit; as ``RequestStream/next()``.
    func next<Request: Message>(of requests: RequestStream<Request>) async throws -> Request? {
        try await requests.next(
            within: limits.anonymousStreamIdleTimeMax, limit: "anonymousStreamIdleTimeMax")
    }

    private static func reached(_ name: String, _ max: Int) -> RPCStatus {
        RPCStatus(.resourceExhausted, "\(name) (\(max)) streams are open already")
    }
}
