import EventLoops
public import Logging

extension CallObserver {
    /// Logs each call when it ends: method, status, time, request id and peer; no metadata and no
    /// message. Calls that end well are logged at `level`, others at info, and those that are a
    /// fault of ours (UNKNOWN, INTERNAL, DATA_LOSS) at error. Calls whose request cannot be read and those
    /// that are UNAUTHENTICATED are not here: the server writes their lines, at the rate of what it refuses.
    public static func callLog(_ logger: Logger, level: Logger.Level = .debug) -> CallObserver {
        CallObserver { context, status in
            guard let status else {
                guard logger.logLevel <= level else { return }
                logger.log(level: level, "call", metadata: fields(context, nil))
                return
            }
            // Anyone can cause these, as often as they like.
            if context.isRequestMalformed || status.code == .unauthenticated { return }
            let level: Logger.Level =
                switch status.code {
                case .unknown, .internal, .dataLoss: .error
                default: .info
                }
            logger.log(level: level, "call", metadata: fields(context, status))
        }
    }

    private static func fields(_ context: CallContext, _ status: RPCStatus?) -> Logger.Metadata {
        let microseconds = context.began.duration(to: .now()).nanosecondsClamped / 1000
        var fields: Logger.Metadata = [
            "method": "\(context.methodPath)", "status": "\((status?.code ?? .ok).name)",
            "microseconds": "\(microseconds)", "request_id": "\(context.requestID)",
            "peer": "\(context.peer)",
        ]
        if let status { fields["message"] = "\(LogLine.text(status.message))" }
        return fields
    }
}

/// What strangers say, made fit for a line of a log.
enum LogLine {
    /// The text with what would begin a line, hide one or turn it around written out: a caller whose words
    /// come back in a status must not write lines of the log.
    static func text(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                line += "\\u{\(String(scalar.value, radix: 16))}"
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}
