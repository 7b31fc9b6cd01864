import HTTP2
import RPC

// The program's limits, but for times that a busy machine may take where all is well: a test's loop can
// stand still for seconds while it makes a large message, and the other tests have the processors.

extension ConnectionLimits {
    static var patient: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.prefaceTimeMax = .seconds(300)
        limits.headersTimeMax = .seconds(300)
        return limits
    }
}

extension ServerLimits {
    static var patient: ServerLimits {
        var limits = ServerLimits()
        limits.connection = .patient
        limits.requestTimeMax = .seconds(300)
        return limits
    }
}

extension ChannelLimits {
    static var patient: ChannelLimits {
        var limits = ChannelLimits()
        limits.connection = .patient
        limits.connectTimeMax = .seconds(300)
        return limits
    }
}
