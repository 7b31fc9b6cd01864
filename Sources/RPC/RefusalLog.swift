import EventLoops
import HTTP2
import Logging

/// Writes to the log what was refused before a handler saw it, at a rate that nobody can raise: each
/// caller may make as many such lines as it likes, and needs no credential for it.
final class RefusalLog {
    private let logger: Logger
    private var tokens: TokenBucket
    /// What was refused since the last line and stands in none.
    private var unlogged: UInt64 = 0

    /// As for calls that do not end well.
    private static let level = Logger.Level.info
    /// Bytes of a path that a line shows.
    private static let pathBytesMax = 200

    init(_ logger: Logger, limits: ServerLimits, now: Instant) {
        self.logger = logger
        tokens = TokenBucket(limits.refusalsLogged, now: now)
    }

    /// A request that never became a call.
    func refused(
        _ stream: HTTP2Stream, _ head: RequestHead, _ refusal: Refusal, _ id: RequestID,
        peer: SocketAddress
    ) {
        write("request refused") {
            var fields: Logger.Metadata = [
                "path": "\(RefusalLog.shown(stream.headers.storage[head.path]))",
                "request_id": "\(id.text)", "peer": "\(peer)",
                "reason": "\(LogLine.text(refusal.description))",
            ]
            if let code = refusal.code { fields["status"] = "\(code.name)" }
            return fields
        }
    }

    /// A call that was answered before its handler began, and so before the interceptors saw it.
    func ended(_ context: CallContext, _ status: RPCStatus) {
        write("call ended before its handler began") { RefusalLog.fields(context, status) }
    }

    private static func fields(_ context: CallContext, _ status: RPCStatus) -> Logger.Metadata {
        [
            "method": "\(context.methodPath)", "request_id": "\(context.requestID)",
            "peer": "\(context.peer)", "status": "\(status.code.name)",
            "message": "\(LogLine.text(status.message))",
        ]
    }

    /// A call that ended because what its caller sent is no request, or too large.
    func malformed(_ context: CallContext, _ status: RPCStatus) {
        write("request malformed") { RefusalLog.fields(context, status) }
    }

    /// A call whose caller did not say who it is, or said it wrongly.
    func unauthenticated(_ context: CallContext, _ status: RPCStatus) {
        write("call unauthenticated") { RefusalLog.fields(context, status) }
    }

    /// A connection that was closed as it came.
    func refusedConnection(from peer: SocketAddress, because reason: String) {
        write("connection refused", at: .warning) { ["peer": "\(peer)", "reason": "\(reason)"] }
    }

    private func write(
        _ text: Logger.Message, at level: Logger.Level = RefusalLog.level,
        _ fields: () -> Logger.Metadata
    ) {
        guard logger.logLevel <= level else { return }
        guard tokens.take(now: .now()) else {
            unlogged += 1
            return
        }
        var fields = fields()
        if unlogged > 0 {
            fields["unlogged"] = "\(unlogged)"
            unlogged = 0
        }
        logger.log(level: level, text, metadata: fields)
    }

    private static func shown(_ path: ArraySlice<UInt8>) -> String {
        LogLine.text(String(decoding: path.prefix(pathBytesMax), as: UTF8.self))
    }
}
