import ArgumentParser
import HTTP2
import Messages
import RPC

/// What the callers of `berthd serve` may use up, and how long their connections live.
/// docs/architecture/limits.md has all limits; these are the ones that differ between installations.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The connections of one loop.")
    var connectionsMax = defaults.connectionsMax
    @Option(help: "The streams that one connection may have open.")
    var concurrentStreamsMax = defaults.connection.concurrentStreamsMax
    @Option(help: "The handlers that one loop runs at once.")
    var handlersRunningMax = defaults.handlersRunningMax
    @Option(help: "The handlers that one loop runs at once for one connection.")
    var handlersPerConnectionMax = defaults.handlersPerConnectionMax
    @Option(help: "The streams of health and reflection that one loop keeps open at once.")
    var anonymousStreamsMax = defaults.anonymousStreamsMax
    @Option(help: "The streams of health and reflection that one connection may have open.")
    var anonymousStreamsPerConnectionMax = defaults.anonymousStreamsPerConnectionMax
    @Option(help: "How long a stream of reflection may ask nothing.")
    var anonymousStreamIdleTimeMax = TimeSpan(defaults.anonymousStreamIdleTimeMax)
    @Option(help: "The bytes of one message that no smaller limit holds for.")
    var messageBytesMax = defaults.message.messageBytesMax
    @Option(help: "How long the request of a call may take to arrive.")
    var requestTimeMax = TimeSpan(defaults.requestTimeMax)
    @Option(help: "The bytes of one header section, 32 added for each field.")
    var headerListBytesMax = defaults.connection.headerListBytesMax
    @Option(help: "The bytes of requests that one loop holds before handlers take them.")
    var receivedBytesPerLoopMax = defaults.receivedBytesPerLoopMax
    @Option(help: "How long a client may be silent before it is sent a PING; TIME or off.")
    var keepaliveTime = TimeSpan(defaults.connection.keepaliveTime)
    @Option(help: "How long the answer to that PING may take.")
    var keepaliveTimeoutMax = TimeSpan(defaults.connection.keepaliveTimeoutMax)
    @Option(help: "How long a connection may be without a call; TIME or off.")
    var connectionIdleTimeMax = TimeSpan(defaults.connection.connectionIdleTimeMax)
    @Option(help: "How old a connection may become, give or take a tenth; TIME or off.")
    var connectionAgeMax = TimeSpan(defaults.connection.connectionAgeMax)
    @Option(help: "How long calls may go on when their connection is that old.")
    var connectionAgeGraceMax = TimeSpan(defaults.connection.connectionAgeGraceMax)
    @Option(help: "How long a client may take nothing of what waits in its socket.")
    var writeStallTimeMax = TimeSpan(defaults.connection.writeStallTimeMax)
    @Option(help: "How long a client may give no window to a stream on which something waits.")
    var windowStallTimeMax = TimeSpan(defaults.connection.windowStallTimeMax)

    private static let defaults = ServerLimits()

    /// The limits, checked.
    /// - Throws: `ValidationError`.
    func limits() throws -> ServerLimits {
        var limits = ServerLimits()
        limits.connectionsMax = try positive(connectionsMax, "--connections-max")
        limits.connection.concurrentStreamsMax = UInt32(
            clamping: try positive(Int(concurrentStreamsMax), "--concurrent-streams-max"))
        limits.handlersRunningMax = try positive(handlersRunningMax, "--handlers-running-max")
        limits.handlersPerConnectionMax = try positive(
            handlersPerConnectionMax, "--handlers-per-connection-max")
        limits.anonymousStreamsMax = try positive(anonymousStreamsMax, "--anonymous-streams-max")
        limits.anonymousStreamsPerConnectionMax = try positive(
            anonymousStreamsPerConnectionMax, "--anonymous-streams-per-connection-max")
        limits.anonymousStreamIdleTimeMax = try time(
            anonymousStreamIdleTimeMax, "--anonymous-stream-idle-time-max")
        limits.message.messageBytesMax = try positive(messageBytesMax, "--message-bytes-max")
        // protobuf-c's structs of a message may be larger than its bytes.
        limits.message.arenaBytesMax = max(
            limits.message.arenaBytesMax,
            4 * min(limits.message.messageBytesMax, Int(UInt32.max)))
        limits.requestTimeMax = try time(requestTimeMax, "--request-time-max")
        limits.connection.headerListBytesMax = try positive(
            headerListBytesMax, "--header-list-bytes-max")
        limits.receivedBytesPerLoopMax = try positive(
            receivedBytesPerLoopMax, "--received-bytes-per-loop-max")
        limits.connection.keepaliveTime = keepaliveTime.duration
        limits.connection.keepaliveTimeoutMax = try time(
            keepaliveTimeoutMax, "--keepalive-timeout-max")
        limits.connection.connectionIdleTimeMax = connectionIdleTimeMax.duration
        limits.connection.connectionAgeMax = connectionAgeMax.duration
        limits.connection.connectionAgeGraceMax = try time(
            connectionAgeGraceMax, "--connection-age-grace-max")
        limits.connection.writeStallTimeMax = try time(writeStallTimeMax, "--write-stall-time-max")
        limits.connection.windowStallTimeMax = try time(
            windowStallTimeMax, "--window-stall-time-max")
        return limits
    }

    private func positive(_ number: Int, _ name: String) throws -> Int {
        guard number > 0 else { throw ValidationError("\(name) must be at least 1") }
        return number
    }

    private func time(_ span: TimeSpan, _ name: String) throws -> Duration {
        guard let duration = span.duration else {
            throw ValidationError("\(name) cannot be off")
        }
        return duration
    }
}
