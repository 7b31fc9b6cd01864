import ArgumentParser
import HTTP2
import Messages
import RPC
import Testing

@testable import ControlPlane

@Suite struct ConnectionOptionsTests {
    private func limits(_ arguments: [String]) throws -> ServerLimits {
        try ConnectionOptions.parse(arguments).limits()
    }

    @Test("without flags the limits are the defaults")
    func defaults() throws {
        let found = try limits([])
        let usual = ServerLimits()
        #expect(found.connectionsMax == usual.connectionsMax)
        #expect(found.message.messageBytesMax == usual.message.messageBytesMax)
        #expect(found.message.arenaBytesMax == usual.message.arenaBytesMax)
        #expect(found.connection.keepaliveTime == usual.connection.keepaliveTime)
        #expect(found.connection.connectionAgeMax == nil)
        #expect(found.connection.windowStallTimeMax == usual.connection.windowStallTimeMax)
    }

    @Test("each flag sets its limit")
    func flags() throws {
        let found = try limits([
            "--connections-max", "5", "--concurrent-streams-max", "6", "--handlers-running-max",
            "7", "--message-bytes-max", "8000000", "--header-list-bytes-max", "9",
            "--received-bytes-per-loop-max", "10", "--keepalive-time", "off",
            "--keepalive-timeout-max", "11s", "--connection-idle-time-max", "12m",
            "--connection-age-max", "13h", "--connection-age-grace-max", "14ms",
            "--write-stall-time-max", "15s", "--window-stall-time-max", "16s",
            "--handlers-per-connection-max", "17", "--anonymous-streams-max", "18",
            "--anonymous-streams-per-connection-max", "19", "--anonymous-stream-idle-time-max",
            "20s", "--request-time-max", "21s",
        ])
        #expect(found.requestTimeMax == .seconds(21))
        #expect(found.handlersPerConnectionMax == 17)
        #expect(found.anonymousStreamsMax == 18)
        #expect(found.anonymousStreamsPerConnectionMax == 19)
        #expect(found.anonymousStreamIdleTimeMax == .seconds(20))
        #expect(found.connectionsMax == 5)
        #expect(found.connection.concurrentStreamsMax == 6)
        #expect(found.handlersRunningMax == 7)
        #expect(found.message.messageBytesMax == 8_000_000)
        #expect(found.message.arenaBytesMax == 32_000_000)
        #expect(found.connection.headerListBytesMax == 9)
        #expect(found.receivedBytesPerLoopMax == 10)
        #expect(found.connection.keepaliveTime == nil)
        #expect(found.connection.keepaliveTimeoutMax == .seconds(11))
        #expect(found.connection.connectionIdleTimeMax == .seconds(720))
        #expect(found.connection.connectionAgeMax == .seconds(13 * 3600))
        #expect(found.connection.connectionAgeGraceMax == .milliseconds(14))
        #expect(found.connection.writeStallTimeMax == .seconds(15))
        #expect(found.connection.windowStallTimeMax == .seconds(16))
    }

    @Test(
        "what is no limit is refused",
        arguments: [
            ["--connections-max", "0"], ["--handlers-running-max", "-1"],
            ["--keepalive-timeout-max", "off"], ["--keepalive-time", "0s"],
            ["--connection-age-max", "5"], ["--connection-age-max", "5d"],
            ["--connection-idle-time-max", "s"], ["--write-stall-time-max", "1.5s"],
            ["--connection-age-max", "99999999h"],
        ])
    func refused(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try limits(arguments) }
    }

    @Test(
        "a time is shown as it is written", arguments: ["off", "1ms", "1500ms", "7s", "2m", "3h"])
    func shown(_ text: String) throws {
        #expect(try #require(TimeSpan(argument: text)).description == text)
    }
}
