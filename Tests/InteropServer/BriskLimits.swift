import HTTP2
import RPC

extension ServerLimits {
    /// The usual limits, but short times, so that tests of them are short too.
    static var brisk: ServerLimits {
        var limits = ServerLimits()
        limits.connection.prefaceTimeMax = .milliseconds(300)
        limits.connection.headersTimeMax = .milliseconds(300)
        limits.connection.writeStallTimeMax = .milliseconds(300)
        limits.connection.windowStallTimeMax = .milliseconds(300)
        limits.connection.keepaliveTime = .milliseconds(300)
        limits.connection.keepaliveTimeoutMax = .milliseconds(400)
        limits.connection.connectionIdleTimeMax = .milliseconds(400)
        limits.connection.connectionAgeMax = .seconds(4)
        limits.connection.connectionAgeGraceMax = .milliseconds(300)
        return limits
    }
}
