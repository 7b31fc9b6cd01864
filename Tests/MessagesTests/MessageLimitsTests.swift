import BerthMessages
import Messages
import StandardMessages
import Testing

@Suite struct MessageLimitsTests {
    private typealias Page = BerthV1.ListServicesResponse

    private func limit<M: Message>(
        _ type: M.Type,
        _ bytes: [UInt8],
        _ change: (inout MessageLimits) -> Void = { _ in }
    ) -> MessageError? {
        var limits = MessageLimits()
        change(&limits)
        do throws(MessageError) {
            _ = try Wire.decode(type, from: bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test("5 MiB are refused before they are looked at")
    func size() {
        let bytes = [UInt8](repeating: 0xFF, count: 5 * 1024 * 1024)
        #expect(limit(Page.self, bytes) == .limitExceeded(.messageBytesMax))
    }

    @Test("4 MiB of one string are within the limits")
    func largeString() throws {
        let text = String(repeating: "a", count: 4 * 1024 * 1024 - 5)
        let message = GRPCHealthV1.HealthCheckRequest.with { $0.service = text }
        let bytes = try Wire.encode(message)
        #expect(bytes.count == 4 * 1024 * 1024)
        #expect(try Wire.decode(GRPCHealthV1.HealthCheckRequest.self, from: bytes) == message)
    }

    @Test("4 MiB of empty submessages are refused")
    func bomb() {
        let bytes = [[UInt8]](repeating: [0x0A, 0x00], count: 2 * 1024 * 1024).flatMap { $0 }
        #expect(limit(Page.self, bytes) == .limitExceeded(.submessagesMax))
    }

    @Test("submessages are counted at all depths together, up to the limit and no further")
    func submessages() {
        // Each service holds a time: two submessages.
        let service = WireBytes.field(1, WireBytes.field(14, [0x08, 0x01]))
        let three = service + service + service
        #expect(limit(Page.self, three) { $0.submessagesMax = 6 } == nil)
        #expect(
            limit(Page.self, three) { $0.submessagesMax = 5 } == .limitExceeded(.submessagesMax)
        )
    }

    @Test("a message may be as deep as the limit and no deeper")
    func depth() {
        let bytes = WireBytes.field(1, WireBytes.field(14, [0x08, 0x01]))
        #expect(limit(Page.self, bytes) { $0.depthMax = 3 } == nil)
        #expect(limit(Page.self, bytes) { $0.depthMax = 2 } == .limitExceeded(.depthMax))
    }

    @Test("fields are counted, repeats of one and packed elements too")
    func fields() {
        typealias Numbers = GRPCReflectionV1.ExtensionNumberResponse
        let packed = WireBytes.field(2, [UInt8](repeating: 1, count: 10))
        #expect(limit(Numbers.self, packed) { $0.fieldsMax = 11 } == nil)
        #expect(limit(Numbers.self, packed) { $0.fieldsMax = 10 } == .limitExceeded(.fieldsMax))
        let repeated = [[UInt8]](repeating: [0x08, 0x01], count: 100).flatMap { $0 }
        let time = GoogleProtobuf.Timestamp.self
        #expect(limit(time, repeated) { $0.fieldsMax = 100 } == nil)
        #expect(limit(time, repeated) { $0.fieldsMax = 99 } == .limitExceeded(.fieldsMax))
    }

    @Test("4 MiB of packed integers and of one repeated field are refused")
    func manyFields() {
        let packed = WireBytes.field(2, [UInt8](repeating: 1, count: 4 * 1024 * 1024 - 6))
        #expect(
            limit(GRPCReflectionV1.ExtensionNumberResponse.self, packed)
                == .limitExceeded(.fieldsMax)
        )
        let repeated = [[UInt8]](repeating: [0x08, 0x01], count: 2 * 1024 * 1024).flatMap { $0 }
        #expect(
            limit(GoogleProtobuf.Timestamp.self, repeated) == .limitExceeded(.fieldsMax)
        )
    }

    @Test("fields that nobody knows are counted by themselves")
    func unknownFields() {
        let unknown = [[UInt8]](repeating: WireBytes.tag(99, 0) + [0x00], count: 1_024)
        let bytes = unknown.flatMap { $0 }
        #expect(limit(Page.self, bytes) == nil)
        #expect(
            limit(Page.self, bytes + unknown[0]) == .limitExceeded(.unknownFieldsMax)
        )
    }

    @Test(
        "with any amount of memory a message is read whole, or the limit of memory is the error",
        arguments: goldenBerthMessages + goldenAgentMessages + goldenStandardMessages
    )
    func memory(_ golden: GoldenMessage) throws {
        var enough: Int?
        for bytesMax in stride(from: 0, through: 16_384, by: 8) {
            var limits = MessageLimits()
            limits.arenaBytesMax = bytesMax
            do {
                #expect(try golden.recode(golden.bytes, limits) == golden.bytes)
                enough = enough ?? bytesMax
            } catch let error as MessageError {
                #expect(error == .limitExceeded(.arenaBytesMax))
                #expect(enough == nil, "what was enough before must be enough with more")
            }
        }
        #expect(enough != nil)
    }

    @Test("submessages that fit the counts cannot take more memory than the limit")
    func memoryOfSubmessages() {
        let bytes = [[UInt8]](repeating: [0x0A, 0x00], count: 100_000).flatMap { $0 }
        let error = limit(Page.self, bytes) {
            $0.submessagesMax = .max
            $0.fieldsMax = .max
            $0.arenaBytesMax = 1024 * 1024
        }
        #expect(error == .limitExceeded(.arenaBytesMax))
    }

    @Test("the limits hold for encoding too")
    func encoding() {
        var limits = MessageLimits()
        limits.messageBytesMax = 3
        let message = GRPCHealthV1.HealthCheckRequest.with { $0.service = "ab" }
        #expect(throws: MessageError.limitExceeded(.messageBytesMax)) {
            try Wire.encode(message, limits: limits)
        }
        limits = MessageLimits()
        limits.arenaBytesMax = 1024
        let page = Page.with { $0.services = Array(repeating: .init(), count: 100) }
        #expect(throws: MessageError.limitExceeded(.arenaBytesMax)) {
            try Wire.encode(page, limits: limits)
        }
    }
}
