import Metrics
import PostgresClient
import TLS

extension PoolStatistics {
    /// The pool of one loop, as metrics.
    var metricFamilies: [MetricFamily] {
        func number(
            _ name: String, _ kind: MetricFamily.Kind, _ help: String, _ value: Int
        ) -> MetricFamily {
            MetricFamily(name, kind, help: help, [.init([], .number(Double(value)))])
        }
        return [
            MetricFamily(
                "berth_postgres_connections", .gauge, help: "Connections to PostgreSQL now.",
                [
                    .init([.init("state", "in_use")], .number(Double(inUse))),
                    .init([.init("state", "idle")], .number(Double(idle))),
                    .init([.init("state", "connecting")], .number(Double(connecting))),
                ]),
            number(
                "berth_postgres_waiting", .gauge, "Callers that wait for a connection now.", waiting
            ),
            number(
                "berth_postgres_round_trips_total", .counter,
                "Sends to PostgreSQL that someone waited for.", roundTrips),
            number(
                "berth_postgres_commits_total", .counter, "Transactions committed.", commits),
            number(
                "berth_postgres_rollbacks_total", .counter, "Transactions that ended otherwise.",
                rollbacks),
            number("berth_postgres_connects_total", .counter, "Connections opened.", connects),
            number(
                "berth_postgres_connect_failures_total", .counter,
                "Attempts to open a connection that failed.", connectFailures),
            number(
                "berth_postgres_refusals_total", .counter,
                "Callers that were refused because too many waited, or waited too long.",
                refusals),
            number(
                "berth_postgres_unknown_outcomes_total", .counter,
                "Commits that were sent and not answered.", unknownOutcomes),
        ]
    }
}

extension TLSAcceptor.HandshakeCounts {
    /// The handshakes of one loop, as metrics.
    var metricFamilies: [MetricFamily] {
        let counts = [("full", completed - resumed), ("resumed", resumed), ("failed", failed)]
        return [
            MetricFamily(
                "berth_tls_handshakes_total", .counter, help: "TLS handshakes that ended.",
                counts.map { .init([.init("result", $0.0)], .number(Double($0.1))) })
        ]
    }
}
