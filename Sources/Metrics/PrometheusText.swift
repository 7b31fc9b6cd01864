/// Prometheus's text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats
public enum PrometheusText {
    /// What an answer's `content-type` says.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The text of the families.
    public static func render(_ families: [MetricFamily]) -> String {
        var text = ""
        for family in families {
            text += "# HELP \(family.name) \(escaped(family.help, quotes: false))\n"
            text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
            for sample in family.samples {
                switch sample.value {
                case .number(let number):
                    text += "\(family.name)\(shown(sample.labels)) \(shown(number))\n"
                case .histogram(let counts):
                    append(counts, family.name, sample.labels, to: &text)
                }
            }
        }
        return text
    }

    private static func append(
        _ histogram: HistogramCounts, _ name: String, _ labels: [MetricFamily.Label],
        to text: inout String
    ) {
        var cumulative: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            cumulative &+= count
            let bound =
                index < histogram.bounds.count
                ? shown(Double(histogram.bounds[index]) / 1e9) : "+Inf"
            text += "\(name)_bucket\(shown(labels + [.init("le", bound)])) \(cumulative)\n"
        }
        text += "\(name)_sum\(shown(labels)) \(shown(Double(histogram.sum) / 1e9))\n"
        text += "\(name)_count\(shown(labels)) \(cumulative)\n"
    }

    private static func shown(_ labels: [MetricFamily.Label]) -> String {
        guard !labels.isEmpty else { return "" }
        let parts = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
        return "{\(parts.joined(separator: ","))}"
    }

    /// A whole number without its point.
    private static func shown(_ number: Double) -> String {
        if let whole = Int64(exactly: number) { return String(whole) }
        return number.description
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.append(character)
            }
        }
        return result
    }
}
