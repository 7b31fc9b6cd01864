import StandardMessages
import TestSupport
import Testing

@testable import HTTP2
@testable import RPC

@Suite struct StreamIDsUsedUpTests {
    @Test(
        "when the ids of streams are used up, calls go to a new connection, and those that run end on the old one"
    )
    func usedUp() async throws {
        try await withChannel { server, channel in
            _ = try await channel.call(EchoServer.unary, Payload([1]))
            let old = try #require(channel.current)
            // The last id that there is: a connection that has made 2^30 calls.
            try old.http2.session.skipStreamIDs(to: .max)
            let last = try await channel.call(EchoServer.chat)
            try await last.write(Payload([2]))
            #expect(try await last.next()?.value == [2])
            #expect(channel.connectionsMade == 1)

            for index in 0..<10 {
                let response = try await channel.call(EchoServer.unary, Payload([UInt8(index)]))
                #expect(response.value == [UInt8(index)])
            }
            #expect(channel.connectionsMade == 2)
            #expect(channel.current !== old)
            #expect(old.isRetired && !old.isClosed)

            try await last.write(Payload([3]))
            #expect(try await last.next()?.value == [3])
            last.endRequests()
            #expect(try await last.next() == nil)
            try await channel.reactor.until("the old connection is left") { old.isClosed }
            #expect(channel.connectionsMade == 2)
        }
    }

    @Test(
        "calls that run while the ids are used up are spread over both connections, and none fails")
    func spread() async throws {
        try await withChannel { server, channel in
            _ = try await channel.call(EchoServer.unary, Payload([1]))
            try channel.current?.http2.session.skipStreamIDs(to: .max - 10)
            var calls: [OpenCall<Payload, Payload>] = []
            for _ in 0..<20 { calls.append(try await channel.call(EchoServer.chat)) }
            #expect(channel.connectionsMade == 2)
            #expect(server.server.openConnections == 2)
            for (index, call) in calls.enumerated() {
                try await call.write(Payload([UInt8(index)]))
                call.endRequests()
                #expect(try await call.next()?.value == [UInt8(index)])
                #expect(try await call.next() == nil)
            }
        }
    }
}
