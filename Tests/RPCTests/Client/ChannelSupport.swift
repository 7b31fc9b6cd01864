import EventLoops
import HTTP2
import Logging
import TestSupport
import Testing

@testable import RPC

let quietLogger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// How long a call may take whose deadline shall pass while its handler runs: the first that is long
/// enough for the machine to begin the handler.
let deadlineTries: [Duration] = [.milliseconds(300), .seconds(5), .seconds(20)]

/// A channel with which nothing takes long.
func makeChannel(
    to address: SocketAddress, host: String = "127.0.0.1", _ reactor: Reactor,
    _ change: (inout ChannelLimits) -> Void = { _ in }
) throws -> Channel {
    var limits = ChannelLimits.patient
    limits.backoffBase = .milliseconds(20)
    limits.backoffMax = .milliseconds(100)
    limits.retryPause = .milliseconds(5)
    change(&limits)
    return Channel(
        to: host, port: address.port, reactor: reactor, workers: try sharedWorkers(),
        limits: limits, logger: quietLogger)
}

/// Runs `body` with an echo server and a channel to it, all on one loop.
func withChannel(
    server changeServer: @escaping @Sendable (inout ServerLimits) -> Void = { _ in },
    _ change: @escaping @Sendable (inout ChannelLimits) -> Void = { _ in },
    _ body: @escaping @Sendable (EchoServer, Channel) async throws -> Void
) async throws {
    try await onLoop { _, reactor in
        var limits = ServerLimits.patient
        changeServer(&limits)
        let server = try EchoServer(reactor, limits)
        let channel = try makeChannel(to: server.address, reactor, change)
        try await body(server, channel)
        channel.close()
        await server.server.drain(grace: .zero)
    }
}

/// The status that `body` throws; CANCELLED for a `CancellationError`.
func status(of body: () async throws -> Void) async -> RPCStatus? {
    do {
        try await body()
        return nil
    } catch is CancellationError {
        return RPCStatus(.cancelled, "CancellationError")
    } catch {
        return error as? RPCStatus ?? RPCStatus(.unknown, "no status: \(error)")
    }
}

extension Reactor {
    /// Waits until `condition` holds, at most 40 s and more on a busy machine.
    func until(
        _ what: Comment, isolation: isolated (any Actor)? = #isolation, _ condition: () -> Bool
    ) async throws {
        for _ in 0..<20_000 where !condition() { try await sleep(for: .milliseconds(2)) }
        try #require(condition(), what)
    }
}
