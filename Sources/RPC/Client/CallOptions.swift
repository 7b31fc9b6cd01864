/// How one call is made.
public struct CallOptions: Sendable {
    /// Sent beside the request, such as `authorization`.
    public var metadata = Metadata()
    /// How long the call may take, all its attempts together; nil for as long as it takes.
    public var timeout: Duration?
    /// Whether the call waits for a connection instead of failing while there is none.
    public var waitsForReady = false
    /// Whether the call may be made again when it is not known whether the server did it: reads, and
    /// calls with a request id.
    public var isRepeatable = false
    /// Whether requests are compressed.
    public var compressesRequests = false

    /// The defaults.
    public init(
        metadata: Metadata = Metadata(), timeout: Duration? = nil, waitsForReady: Bool = false,
        isRepeatable: Bool = false
    ) {
        self.metadata = metadata
        self.timeout = timeout
        self.waitsForReady = waitsForReady
        self.isRepeatable = isRepeatable
    }
}
