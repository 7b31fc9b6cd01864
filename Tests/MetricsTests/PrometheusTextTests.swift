import Testing

@testable import Metrics

@Suite struct PrometheusTextTests {
    @Test("counters and gauges are a line for each label set")
    func numbers() {
        let family = MetricFamily(
            "calls_total", .counter, help: "Calls.",
            [
                .init([.init("code", "OK")], .number(3)),
                .init([.init("code", "a\"b\\c\nd")], .number(0.5)), .init([], .number(7)),
            ])
        #expect(
            PrometheusText.render([family]) == #"""
                # HELP calls_total Calls.
                # TYPE calls_total counter
                calls_total{code="OK"} 3
                calls_total{code="a\"b\\c\nd"} 0.5
                calls_total 7

                """#)
    }

    @Test("a histogram's buckets are cumulative, in seconds, and end with +Inf")
    func histogram() {
        var counts = HistogramCounts(bounds: [1_000_000, 2_000_000_000])
        for value: Int64 in [1, 1_000_000, 1_000_001, 5_000_000_000] {
            counts.observe(nanoseconds: value)
        }
        let family = MetricFamily(
            "time_seconds", .histogram, help: "Time.",
            [.init([.init("m", "x")], .histogram(counts))])
        #expect(
            PrometheusText.render([family]) == """
                # HELP time_seconds Time.
                # TYPE time_seconds histogram
                time_seconds_bucket{m="x",le="0.001"} 2
                time_seconds_bucket{m="x",le="2"} 3
                time_seconds_bucket{m="x",le="+Inf"} 4
                time_seconds_sum{m="x"} 5.002000002
                time_seconds_count{m="x"} 4

                """)
    }

    @Test("loops are summed by label set, and none is lost")
    func merged() {
        func family(_ samples: [(String, Double)]) -> MetricFamily {
            MetricFamily(
                "n", .gauge, help: "N.",
                samples.map { .init([.init("k", $0.0)], .number($0.1)) })
        }
        var one = HistogramCounts(bounds: [10])
        one.observe(nanoseconds: 5)
        var other = one
        other.observe(nanoseconds: 50)
        let merged = MetricFamily.merged([
            [
                family([("a", 1), ("b", 2)]),
                MetricFamily("h", .histogram, help: "", [.init([], .histogram(one))]),
            ],
            [
                family([("b", 3), ("c", 4)]),
                MetricFamily("h", .histogram, help: "", [.init([], .histogram(other))]),
            ],
        ])
        #expect(merged.count == 2)
        #expect(merged[0] == family([("a", 1), ("b", 5), ("c", 4)]))
        guard case .histogram(let counts) = merged[1].samples[0].value else {
            Issue.record("no histogram")
            return
        }
        #expect(counts.counts == [2, 1])
        #expect(counts.count == 3)
    }
}
