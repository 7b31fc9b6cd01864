import ArgumentParser
import HTTP2
import RPC

/// The one limit that is a short time, so that a test of it is short too and no other limit is met
/// before it, however busy the machine is.
enum BriskLimit: String, CaseIterable, ExpressibleByArgument {
    case preface
    case headers
    case writeStall = "write-stall"
    case windowStall = "window-stall"
    case keepalive
    case idle
    case age

    /// The usual limits but for this one.
    var limits: ServerLimits {
        var limits = ServerLimits()
        switch self {
        case .preface: limits.connection.prefaceTimeMax = .seconds(1)
        case .headers: limits.connection.headersTimeMax = .milliseconds(500)
        case .writeStall: limits.connection.writeStallTimeMax = .milliseconds(500)
        // One case gives a byte of window now and then, and a pause of its must not be a stall.
        case .windowStall: limits.connection.windowStallTimeMax = .seconds(5)
        case .keepalive:
            limits.connection.keepaliveTime = .milliseconds(300)
            limits.connection.keepaliveTimeoutMax = .milliseconds(400)
        case .idle: limits.connection.connectionIdleTimeMax = .seconds(1)
        case .age:
            limits.connection.connectionAgeMax = .seconds(1)
            limits.connection.connectionAgeGraceMax = .milliseconds(300)
        }
        return limits
    }
}
