import ArgumentParser

/// A length of time on the command line: digits and `ms`, `s`, `m` or `h`, or `off`.
struct TimeSpan: ExpressibleByArgument, CustomStringConvertible, Equatable {
    /// Nil is `off`.
    let duration: Duration?

    init(_ duration: Duration?) { self.duration = duration }

    init?(argument: String) {
        if argument == "off" {
            duration = nil
            return
        }
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number > 0, number <= TimeSpan.numberMax else {
            return nil
        }
        switch argument.dropFirst(digits.count) {
        case "ms": duration = .milliseconds(number)
        case "s": duration = .seconds(number)
        case "m": duration = .seconds(number * 60)
        case "h": duration = .seconds(number * 3600)
        default: return nil
        }
    }

    private static let numberMax: Int64 = 1_000_000

    /// As it is written on the command line.
    var description: String {
        guard let duration else { return "off" }
        let (seconds, attoseconds) = duration.components
        if attoseconds != 0 {
            return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms"
        }
        if seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }

    /// What `--help` shows.
    var defaultValueDescription: String { description }
}
