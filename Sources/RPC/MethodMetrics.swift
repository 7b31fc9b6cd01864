import Metrics

/// What one method's calls came to; plain counts of one loop, without locks.
final class MethodMetrics {
    /// Calls that ended, by their status code's number.
    private var ended = [UInt64](repeating: 0, count: StatusCode.allCases.count)
    /// The time from a call's header section to its status.
    private var duration = HistogramCounts()

    /// Counts a call.
    func callEnded(_ code: StatusCode, nanoseconds: Int64) {
        ended[Int(code.rawValue)] &+= 1
        duration.observe(nanoseconds: nanoseconds)
    }

    /// One sample for each code that came up.
    func endedSamples(_ path: String) -> [MetricFamily.Sample] {
        StatusCode.allCases.compactMap { code in
            let count = ended[Int(code.rawValue)]
            guard count > 0 else { return nil }
            let labels = MethodMetrics.labels(path) + [.init("grpc_code", code.name)]
            return MetricFamily.Sample(labels, .number(Double(count)))
        }
    }

    /// The times of the method's calls; nil before the first.
    func durationSample(_ path: String) -> MetricFamily.Sample? {
        guard duration.count > 0 else { return nil }
        return MetricFamily.Sample(MethodMetrics.labels(path), .histogram(duration))
    }

    /// `/package.Service/Method` as two labels.
    private static func labels(_ path: String) -> [MetricFamily.Label] {
        let words = path.split(separator: "/", maxSplits: 1).map(String.init)
        return [
            .init("grpc_service", words.first ?? ""), .init("grpc_method", words.last ?? ""),
        ]
    }
}
