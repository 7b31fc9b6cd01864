import EventLoops

/// Which events are told; all of each list's alternatives, and every list must match.
public struct EventFilters: Equatable, Sendable {
    /// Kinds of objects: `container`, `network`, `volume`, `image`.
    public var types: [String]
    /// What happened: `start`, `die`, `oom`, `destroy`.
    public var actions: [String]
    /// Labels with their values, all of which the object must have.
    public var labels: [String: String]

    /// Makes filters; an empty list lets everything through.
    public init(types: [String] = [], actions: [String] = [], labels: [String: String] = [:]) {
        self.types = types
        self.actions = actions
        self.labels = labels
    }
}

/// Something that happened to an object of the engine.
public struct EngineEvent: Equatable, Sendable {
    /// The kind of object, such as `container`.
    public let type: String
    /// What happened, such as `die`.
    public let action: String
    /// The object's id; a volume's and a network's name is in the attributes.
    public let id: String
    /// What Docker tells with it: the labels, `name`, `image`, `exitCode`.
    public let attributes: [String: String]
    /// When, in nanoseconds since 1970; plus one, it is where a later stream begins.
    public let nanoseconds: Int64

    init(answer: JSON) throws(MalformedAnswer) {
        type = try answer.text("Type")
        action = try answer.text("Action")
        let actor: JSON = answer["Actor"] ?? [:]
        id = actor["ID"]?.string ?? ""
        attributes = try actor.texts("Attributes")
        nanoseconds = try answer.number("timeNano")
    }
}

/// A stream of events. To connect again after its end is the caller's; so is closing it, unless the
/// object goes.
public final class EventStream {
    private let docker: DockerClient
    private let transfer: Transfer
    private let lines: JSONLineStream
    private var isConfirmed = false

    init(_ transfer: Transfer, _ docker: DockerClient) {
        self.docker = docker
        self.transfer = transfer
        lines = JSONLineStream(transfer, lineBytesMax: docker.limits.lineBytesMax)
    }

    /// Waits for the next event; nil when the engine ended the stream.
    ///
    /// - Parameter deadline: How long to wait; nil waits until the task is cancelled.
    /// - Throws: `.timedOut` or `.cancelled`, after which the stream goes on; what ended it, a refusal
    ///   included.
    public func next(within deadline: Duration?) async throws(DockerError) -> EngineEvent? {
        let instant = deadline.map { Instant.now().advanced(by: $0) }
        if !isConfirmed {
            try await docker.confirm(transfer, until: instant)
            isConfirmed = true
        }
        guard let line = try await lines.next(until: instant) else { return nil }
        do throws(MalformedAnswer) {
            return try EngineEvent(answer: line)
        } catch {
            lines.close()
            throw DockerError(
                .malformed, operation: "read events", message: "the event's \(error.field)")
        }
    }

    /// Ends the stream.
    public func close() { lines.close() }
}

extension DockerRequest {
    static func events(_ filters: EventFilters, sinceNanoseconds since: Int64?) -> DockerRequest {
        let start = since.map { [QueryItem("since", unixTime(nanoseconds: $0))] } ?? []
        return DockerRequest(
            "read events", .get, "/events",
            query: start
                + self.filters([
                    "type": filters.types, "event": filters.actions,
                    "label": labelFilters(filters.labels),
                ]))
    }

    /// Seconds with nine digits behind the point, as Docker reads moments.
    static func unixTime(nanoseconds: Int64) -> String {
        let (seconds, rest) = max(0, nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest)
        return "\(seconds)." + String(repeating: "0", count: 9 - digits.count) + digits
    }
}

extension DockerClient {
    /// Begins a stream of events (`GET /events`). Whether the engine takes it, the first
    /// ``EventStream/next(within:)`` tells: Podman answers nothing before the first event.
    ///
    /// Docker answers a moment before it subscribes, so only `since` misses nothing. It remembers the
    /// last 256 events; after a longer pause, look at everything again.
    /// - Parameter since: Nanoseconds since 1970 from which on past events are told first.
    /// - Parameter deadline: For agreeing on the version, if that is still to be done.
    /// - Throws: ``DockerError``.
    public func events(
        _ filters: EventFilters = EventFilters(), sinceNanoseconds since: Int64? = nil,
        deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> EventStream {
        let transfer = try await begin(
            .events(filters, sinceNanoseconds: since), until: Instant.now().advanced(by: deadline))
        return EventStream(transfer, self)
    }
}
