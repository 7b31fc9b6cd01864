import InteropMessages
import RPC

/// Ends a call as its request asks.
enum EchoedStatus {
    /// - Throws: ``RPCStatus`` with the asked code and message, unless the code is 0.
    static func throwIfAsked(_ status: GRPCTesting.EchoStatus?) throws {
        guard let status, status.code != 0 else { return }
        let code = UInt8(exactly: status.code).flatMap(StatusCode.init(rawValue:)) ?? .unknown
        throw RPCStatus(code, status.message)
    }
}
