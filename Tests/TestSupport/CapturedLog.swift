public import Logging
import Synchronization

/// A log handler that keeps its lines: level, message, and fields in the order of their names.
public final class CapturedLog: LogHandler {
    private let state = Mutex<[String]>([])

    /// Makes an empty record.
    public init() {}

    /// Those of every level.
    public var lines: [String] { state.withLock { $0 } }

    /// Those of one level.
    public func lines(_ level: Logger.Level) -> [String] {
        lines.filter { $0.hasPrefix("\(level): ") }
    }

    /// One that writes into this record, whatever the level.
    public var logger: Logger { Logger(label: "test", factory: { _ in self }) }

    /// Keeps a line.
    public func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).map { " \($0)=\($1)" }.sorted().joined()
        state.withLock { $0.append("\(event.level): \(event.message)\(fields)") }
    }

    /// Of no use: every event has its own fields.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
    /// Empty.
    public var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    /// All of them.
    public var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
}
