import Domain
import Testing

@testable import Agents

@Suite struct ReportGateTests {
    static let now = Timestamp(microsecondsSince1970: 1_790_000_000_000_000)
    static let identity = AgentIdentity(
        serverID: ServerID(high: 1, low: 1), workspaceID: WorkspaceID(high: 1, low: 2),
        serverName: "first", publicKey: [],
        sessionID: AgentSessionID(bytes: [UInt8](repeating: 7, count: 16)))

    static func gate() -> ReportGate {
        ReportGate(identity: identity, clockDifferenceMax: .seconds(300))
    }

    static func header(_ sequence: Int64) -> SignedReport.Header {
        SignedReport.Header(
            serverID: identity.serverID.description, sessionID: identity.sessionID.bytes,
            sequence: sequence, issuedAt: now)
    }

    @Test("reports numbered from 1 without gaps are admitted")
    func inOrder() {
        var gate = Self.gate()
        let refusals = (1...5).map { gate.refusal(of: Self.header($0), now: Self.now) }
        #expect(refusals == [nil, nil, nil, nil, nil])
    }

    @Test("a number that was there before is a replay, one too high is out of order")
    func outOfOrder() {
        var gate = Self.gate()
        let sequences: [Int64] = [0, 2, 1, 1, 3, .max, .min, 2]
        let refusals = sequences.map { gate.refusal(of: Self.header($0), now: Self.now) }
        #expect(
            refusals == [
                .replayed, .outOfOrder, nil, .replayed, .outOfOrder, .outOfOrder, .replayed, nil,
            ])
    }

    @Test("another server's or another stream's report is refused and counts nothing")
    func elsewhere() {
        var gate = Self.gate()
        var headers = [SignedReport.Header](repeating: Self.header(1), count: 5)
        headers[0].serverID = ServerID(high: 9, low: 9).description
        headers[1].serverID = "nobody"
        headers[2].sessionID[3] ^= 1
        headers[3].sessionID = []
        let refusals = headers.map { gate.refusal(of: $0, now: Self.now) }
        #expect(refusals == [.wrongServer, .wrongServer, .wrongSession, .wrongSession, nil])
    }

    @Test(
        "a report's time may be five minutes off, not more, and must be there",
        arguments: [nil, -301, -300, 300, 301])
    func time(_ seconds: Int64?) {
        var gate = Self.gate()
        var header = Self.header(1)
        header.issuedAt = seconds.map { Self.now.advanced(by: .seconds($0)) }
        let refusal = gate.refusal(of: header, now: Self.now)
        let expected: ReportRefusal? =
            seconds.map { abs($0) > 300 ? .wrongTime : nil } ?? .malformed
        #expect(refusal == expected)
    }
}
