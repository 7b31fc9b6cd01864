import Domain
import Testing

@testable import Agents

@Suite struct NoticeTests {
    static let server = ServerID(high: 1, low: 2)
    static let service = ServiceID(high: 3, low: 4)
    static let tailID = String(repeating: "a1", count: 16)

    @Test("an agent's session is read as it was told")
    func sessions() {
        let session = AgentSessionID(bytes: [UInt8](0..<16))
        for notice in [
            AgentSessionNotice(change: .began, serverID: Self.server, sessionID: session),
            AgentSessionNotice(change: .ended, serverID: Self.server, sessionID: session),
            AgentSessionNotice(change: .began, serverID: Self.server, sessionID: nil),
        ] {
            #expect(AgentSessionNotice(payload: notice.payload) == notice)
        }
    }

    @Test("a log request is read as it was told")
    func logRequests() {
        for wish: LogRequestNotice.Wish in [
            .begin(tailLines: 100, follow: true), .begin(tailLines: 0, follow: false), .stop,
        ] {
            let notice = LogRequestNotice(
                tailID: Self.tailID, serverID: Self.server, serviceID: Self.service, wish: wish)
            #expect(LogRequestNotice(payload: notice.payload) == notice)
        }
    }

    @Test(
        "anything else is no notice",
        arguments: [
            "", " ", "began", "began x -", "began \(server) zz", "gone \(server) -",
            "stop x y z", "tail t \(server) \(service)", "tail t \(server) \(service) many",
            "t -1", "t 1 maybe x", "t one end x",
        ])
    func malformed(_ payload: String) {
        #expect(AgentSessionNotice(payload: payload) == nil)
        #expect(LogRequestNotice(payload: payload) == nil)
        #expect(LogChunkNotice(payload: payload) == nil)
    }
}
