import Logging
import Synchronization

/// A log handler that keeps its lines.
final class LogRecord: LogHandler {
    private let state = Mutex<[String]>([])

    /// Those of a level, fields in the order of their names.
    func lines(_ level: Logger.Level) -> [String] {
        state.withLock { lines in lines.filter { $0.hasPrefix("\(level): ") } }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).map { " \($0)=\($1)" }.sorted().joined()
        state.withLock { $0.append("\(event.level): \(event.message)\(fields)") }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .debug }
        set {}
    }
}
