import Logging

/// A log handler that keeps its lines; for one loop.
final class LogRecord: LogHandler, @unchecked Sendable {
    private(set) var lines: [String] = []

    var logger: Logger { Logger(label: "test", factory: { _ in self }) }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
        lines.append("\(event.level) \(event.message) \(fields)")
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
        get { .trace }
        set {}
    }
}
