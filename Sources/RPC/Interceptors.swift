import EventLoops
public import Logging

/// Interceptors that come with the server.
public enum Interceptors {
    /// Logs each call when it ends: method, status, time, request id and peer; no metadata and no
    /// message. Calls that end well are logged at `level`, others at info, and those that are a
    /// fault of ours (UNKNOWN, INTERNAL, DATA_LOSS) at error. Calls whose request cannot be read are not
    /// here: the server writes their lines, at the rate of what it refuses.
    public static func callLog(_ logger: Logger, level: Logger.Level = .debug) -> Interceptor {
        { context, proceed in
            let begin = Instant.now()
            do {
                try await proceed(context)
                guard logger.logLevel <= level else { return }
                logger.log(
                    level: level,
                    "call",
                    metadata: fields(context, "OK", begin, message: nil)
                )
            } catch {
                // Anyone can send what is no request, as often as they like.
                if context.isRequestMalformed { throw error }
                let status = error as? RPCStatus
                let level: Logger.Level =
                    switch status?.code {
                    case .unknown, .internal, .dataLoss: .error
                    default: .info
                    }
                logger.log(
                    level: level,
                    "call",
                    metadata: fields(
                        context,
                        status?.code.name ?? StatusCode.unknown.name,
                        begin,
                        message: status?.message
                    )
                )
                throw error
            }
        }
    }

    /// The text with what would begin a line or hide one written out: a caller whose words come back
    /// in a status must not write lines of the log.
    static func oneLine(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .control || scalar == "\u{2028}"
                || scalar == "\u{2029}"
            {
                line += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }

    private static func fields(
        _ context: CallContext,
        _ status: String,
        _ begin: Instant,
        message: String?
    ) -> Logger.Metadata {
        let microseconds = begin.duration(to: .now()).nanosecondsClamped / 1000
        var fields: Logger.Metadata = [
            "method": "\(context.methodPath)", "status": "\(status)",
            "microseconds": "\(microseconds)", "request_id": "\(context.requestID)",
            "peer": "\(context.peer)",
        ]
        if let message { fields["message"] = "\(oneLine(message))" }
        return fields
    }
}
