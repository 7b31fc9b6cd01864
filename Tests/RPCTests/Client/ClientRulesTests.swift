import EventLoops
import HTTP2
import Testing

@testable import RPC

/// The rules that need no connection.
@Suite struct ClientRulesTests {
    @Test(
        "a timeout is written in the finest unit that eight digits allow, rounded up",
        arguments: [
            (Duration.nanoseconds(1), "1n"), (.zero, "1n"), (.seconds(-5), "1n"),
            (.milliseconds(50), "50000000n"), (.milliseconds(100), "100000u"),
            (.seconds(100), "100000m"), (.seconds(100_000), "100000S"),
            (.seconds(100_000_000), "1666667M"), (.seconds(9_000_000_000), "2500000H"),
        ])
    func timeouts(duration: Duration, text: String) {
        let encoded = Timeout.encode(duration)
        #expect(String(decoding: encoded, as: UTF8.self) == text)
        let parsed = Timeout.parse(encoded.span)
        #expect(parsed.map { $0 >= duration } == true)
    }

    @Test("pauses grow by the multiplier to the maximum, and jitter spreads them")
    func backoff() {
        var pauses = ChannelLimits().connectBackoff
        #expect(pauses.next(spread: 0) == .seconds(1))
        #expect(abs(pauses.next(spread: 0) / .seconds(1.6) - 1) < 1e-9)
        #expect(abs(pauses.next(spread: 1) / .seconds(2.56 * 1.2) - 1) < 1e-9)
        for _ in 0..<20 { _ = pauses.next() }
        #expect(pauses.next(spread: 0) == .seconds(120))
        #expect(pauses.next(spread: -1) == .seconds(120) * 0.8)
        pauses.reset()
        #expect(pauses.next(spread: 0) == .seconds(1))
    }

    @Test(
        "an HTTP status without a gRPC one becomes the code that gRPC gives it",
        arguments: [
            ("400", StatusCode.internal), ("401", .unauthenticated), ("403", .permissionDenied),
            ("404", .unimplemented), ("429", .unavailable), ("502", .unavailable),
            ("503", .unavailable), ("504", .unavailable), ("500", .unknown), ("200", .unknown),
        ])
    func httpStatuses(http: String, code: StatusCode) {
        var block = HeaderBlock()
        block.append(":status", http.utf8)
        block.append("content-type", "text/html")
        let status = ResponseRules.status(in: block, isOnly: true)
        #expect(status?.code == code)
        #expect(ResponseRules.failure(ofHead: block)?.code == code)
    }

    @Test("a grpc-status wins over the HTTP status beside it, and unknown ones are UNKNOWN")
    func grpcStatuses() {
        func status(_ value: String) -> RPCStatus? {
            var block = HeaderBlock()
            block.append(":status", "503")
            block.append("grpc-status", value.utf8)
            block.append("grpc-message", "why%20%C3%A4")
            block.append("grpc-status-details-bin", "CAU")
            return ResponseRules.status(in: block, isOnly: true)
        }
        #expect(status("0") == nil)
        #expect(status("5") == RPCStatus(.notFound, "why ä", details: [8, 5]))
        #expect(status("99")?.code == .unknown)
        #expect(status("300")?.code == .unknown)
        for malformed in [
            "x", "", "+0", "-0", "00", "05", " 0", "0 ", "0x0", "99999999999999999999",
        ] {
            #expect(
                status(malformed)
                    == RPCStatus(.unknown, "the server sent a malformed grpc-status"),
                "\(malformed)")
        }
    }

    @Test("details come padded or not; malformed ones are none, and the status stays")
    func details() {
        for (text, details) in [("CAU", [UInt8(8), 5]), ("CAU=", [8, 5]), ("!!", [])] {
            var block = HeaderBlock()
            block.append("grpc-status", "5".utf8)
            block.append("grpc-status-details-bin", text.utf8)
            #expect(
                ResponseRules.status(in: block, isOnly: false)
                    == RPCStatus(.notFound, "", details: details))
        }
    }

    @Test(
        "resets become the statuses that gRPC gives them",
        arguments: [
            (ErrorCode.noError, StatusCode.internal), (.protocolError, .internal),
            (.refusedStream, .unavailable), (.cancel, .cancelled),
            (.enhanceYourCalm, .resourceExhausted), (.inadequateSecurity, .permissionDenied),
            (ErrorCode(rawValue: 77), .internal),
        ])
    func resets(code: ErrorCode, expected: StatusCode) {
        let status = ResponseRules.status(ofReset: code)
        #expect(status.code == expected)
        #expect(status.message.contains(code.name))
    }
}
