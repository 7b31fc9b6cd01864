public import Metrics

extension GRPCServer {
    /// What this server's calls and connections came to, under the names that gRPC servers use.
    public func metricFamilies() -> [MetricFamily] {
        let handlers = router.methods.all
        return [
            MetricFamily(
                "grpc_server_handled_total", .counter, help: "Calls that ended, by status code.",
                handlers.flatMap { $0.metrics.endedSamples($0.path) }),
            MetricFamily(
                "grpc_server_handling_seconds", .histogram,
                help: "Time from a call's header section to its status.",
                handlers.compactMap { $0.metrics.durationSample($0.path) }),
            MetricFamily(
                "grpc_server_refused_total", .counter,
                help: "Requests of no method that is registered.",
                [.init([], .number(Double(requestsRefused)))]),
            MetricFamily(
                "grpc_server_handlers_running", .gauge, help: "Handlers that run now.",
                [.init([], .number(Double(handlersRunning)))]),
            MetricFamily(
                "http2_server_streams_open", .gauge, help: "Streams that are open now.",
                [.init([], .number(Double(openStreams)))]),
            MetricFamily(
                "http2_server_connections_open", .gauge, help: "Connections that are open now.",
                [.init([], .number(Double(openConnections)))]),
            MetricFamily(
                "http2_server_connections_total", .counter, help: "Connections that were accepted.",
                [.init([], .number(Double(connectionsAccepted)))]),
        ]
    }
}
