import HTTP2
import Testing

@testable import RPC

@Suite struct MessageFramingTests {
    private func front(_ bytes: [UInt8], max: Int = 100) throws -> MessageFraming.Front {
        var queue = ByteQueue()
        queue.append(bytes)
        return try MessageFraming.front(of: queue, bytesMax: max)
    }

    @Test("tells nothing, a part and a whole message apart, whatever follows")
    func fronts() throws {
        #expect(try front([]) == .nothing)
        #expect(try front([0, 0, 0, 0]) == .nothing)
        #expect(try front([0, 0, 0, 0, 0]) == .message(isCompressed: false, count: 0))
        #expect(try front([0, 0, 0, 0, 2, 9]) == .partial(count: 2))
        #expect(try front([1, 0, 0, 0, 2, 9, 9, 7]) == .message(isCompressed: true, count: 2))
    }

    @Test("an unknown flag is INTERNAL")
    func flag() {
        let status = #expect(throws: RPCStatus.self) { try front([2, 0, 0, 0, 0]) }
        #expect(status?.code == .internal)
    }

    @Test("a message over the limit is RESOURCE_EXHAUSTED as soon as its prefix is there")
    func limit() throws {
        #expect(try front([0, 0, 0, 0, 100]) == .partial(count: 100))
        for prefix: [UInt8] in [[0, 0, 0, 0, 101], [0, 255, 255, 255, 255]] {
            let status = #expect(throws: RPCStatus.self) { try front(prefix) }
            #expect(status?.code == .resourceExhausted)
        }
    }

    @Test("the prefix that is written is the one that is read")
    func prefix() throws {
        for count in [0, 1, 255, 256, 70_000] {
            var bytes = [UInt8](repeating: 7, count: 5 + count)
            MessageFraming.setPrefix(of: &bytes, isCompressed: count == 1)
            #expect(
                try front(bytes, max: .max)
                    == .message(isCompressed: count == 1, count: count))
        }
    }
}
