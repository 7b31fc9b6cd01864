import BerthMessages
import Messages
import StandardMessages
import Testing

/// What the guard must refuse before protobuf-c sees it.
@Suite struct WireGuardTests {
    private typealias Request = BerthV1.CreateDatabaseServiceRequest

    private func refusal<M: Message>(
        _ type: M.Type,
        _ bytes: [UInt8],
        limits: MessageLimits = .standard
    ) -> MessageError? {
        do throws(MessageError) {
            _ = try Wire.decode(type, from: bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "a message cut at any byte is refused, or is the fields that are whole",
        arguments: goldenBerthMessages + goldenAgentMessages + goldenStandardMessages
    )
    func truncated(_ golden: GoldenMessage) throws {
        for length in 0..<golden.bytes.count {
            let prefix = Array(golden.bytes.prefix(length))
            do {
                #expect(try golden.recode(prefix, .standard) == prefix)
            } catch let error as MessageError {
                guard case .malformed = error else {
                    Issue.record("\(error) after \(length) bytes")
                    return
                }
            }
        }
    }

    @Test("a cut inside a tag, an integer, a length and a string says so")
    func truncationKinds() {
        #expect(refusal(Request.self, [0x8A]) == .malformed(.truncated, offset: 0))
        #expect(refusal(Request.self, [0x28]) == .malformed(.truncated, offset: 1))
        #expect(refusal(Request.self, [0x28, 0x80]) == .malformed(.truncated, offset: 1))
        #expect(refusal(Request.self, [0x0A]) == .malformed(.truncated, offset: 1))
        #expect(refusal(Request.self, [0x0A, 0x02, 0x61]) == .malformed(.lengthPastEnd, offset: 1))
        let unknown32 = WireBytes.tag(100, 5) + [1, 2, 3]
        #expect(refusal(Request.self, unknown32) == .malformed(.truncated, offset: 2))
    }

    @Test(
        "a length that lies is refused, whatever it claims",
        arguments: [2, 0x7F, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7_FFFF_FFFF] as [UInt64]
    )
    func lyingLength(_ length: UInt64) {
        let bytes = WireBytes.tag(1, 2) + WireBytes.varint(length) + [0x61]
        #expect(refusal(Request.self, bytes) == .malformed(.lengthPastEnd, offset: 1))
        // The same inside a message whose own length is right.
        let nested = WireBytes.field(1, bytes)
        #expect(
            refusal(BerthV1.GetServiceResponse.self, nested)
                == .malformed(.lengthPastEnd, offset: 3)
        )
        // And in a field that nobody knows.
        let unknown = WireBytes.tag(99, 2) + WireBytes.varint(length) + [0x61]
        #expect(refusal(Request.self, unknown) == .malformed(.lengthPastEnd, offset: 2))
    }

    @Test("a submessage's field may not reach past the submessage, though the bytes go on")
    func reachesIntoParent() {
        let bytes: [UInt8] = [0x0A, 0x03, 0x0A, 0x02, 0x61] + WireBytes.field(99, "more")
        #expect(
            refusal(BerthV1.GetServiceResponse.self, bytes) == .malformed(.lengthPastEnd, offset: 3)
        )
    }

    @Test("integers, tags and lengths with too many bytes are refused")
    func overlong() {
        let eleven = [UInt8](repeating: 0x80, count: 10) + [0x00]
        #expect(
            refusal(Request.self, [0x28] + eleven) == .malformed(.overlongInteger, offset: 1)
        )
        let six = [UInt8](repeating: 0x80, count: 5) + [0x00]
        #expect(refusal(Request.self, [0x0A] + six) == .malformed(.overlongInteger, offset: 1))
        #expect(refusal(Request.self, six) == .malformed(.overlongInteger, offset: 0))
    }

    @Test("field number 0 and those past 2^29 - 1 are refused")
    func fieldNumbers() {
        #expect(refusal(Request.self, [0x02, 0x00]) == .malformed(.fieldNumber, offset: 0))
        let past = WireBytes.tag(1 << 29, 0) + [0x00]
        #expect(refusal(Request.self, past) == .malformed(.fieldNumber, offset: 0))
        #expect(refusal(Request.self, WireBytes.tag((1 << 29) - 1, 0) + [0x00]) == nil)
    }

    @Test(
        "groups and wire types that do not exist are refused",
        arguments: [3, 4, 6, 7] as [UInt64]
    )
    func wireTypes(_ wireType: UInt64) {
        for number: UInt64 in [1, 100] {
            let bytes = WireBytes.tag(number, wireType) + [0x00]
            #expect(refusal(Request.self, bytes) == .malformed(.wireType, offset: 0))
        }
    }

    @Test("a known field with the wire type of another kind is refused")
    func wireTypeMismatch() {
        // A string, a bool, a message, an int64, repeated messages, packed integers.
        check(Request.self, field: 1, accepts: [2])
        check(Request.self, field: 5, accepts: [0])
        check(GoogleRPC.RetryInfo.self, field: 1, accepts: [2])
        check(GoogleProtobuf.Timestamp.self, field: 1, accepts: [0])
        check(BerthV1.ListServicesResponse.self, field: 1, accepts: [2])
        check(GRPCReflectionV1.ExtensionNumberResponse.self, field: 2, accepts: [0, 2])
    }

    private func check<M: Message>(_ type: M.Type, field: UInt64, accepts: Set<UInt64>) {
        for value in WireBytes.values where !accepts.contains(value.wireType) {
            let bytes = WireBytes.tag(field, value.wireType) + value.bytes
            #expect(refusal(type, bytes) == .malformed(.wireTypeMismatch, offset: 1), "\(value)")
        }
    }

    @Test("a message that is not repeated may come once, also inside a oneof and a map's entry")
    func messageTwice() {
        let service = WireBytes.field(1, WireBytes.field(1, "id"))
        #expect(
            refusal(BerthV1.GetServiceResponse.self, service + service)
                == .malformed(.messageTwice, offset: service.count + 1)
        )
        #expect(
            refusal(GRPCReflectionV1.ServerReflectionResponse.self, [0x32, 0x00, 0x32, 0x00])
                == .malformed(.messageTwice, offset: 3)
        )
        let entry = WireBytes.field(1, [0x12, 0x00, 0x12, 0x00])
        #expect(
            refusal(GRPCHealthV1.HealthListResponse.self, entry)
                == .malformed(.messageTwice, offset: 5)
        )
        // Once in each of two entries, and repeated messages, are another matter.
        let entries = WireBytes.field(1, [0x12, 0x00]) + WireBytes.field(1, [0x12, 0x00])
        #expect(refusal(GRPCHealthV1.HealthListResponse.self, entries) == nil)
    }

    @Test("fields that nobody knows are dropped, of every wire type")
    func unknownFields() throws {
        let unknown = WireBytes.values.flatMap { WireBytes.tag(1000, $0.wireType) + $0.bytes }
        let bytes = unknown + WireBytes.field(1, "known") + unknown
        let request = try Wire.decode(GRPCHealthV1.HealthCheckRequest.self, from: bytes)
        #expect(try Wire.encode(request) == WireBytes.field(1, "known"))
    }

    @Test("a deep nest in a field that nobody knows is passed over, not entered")
    func unknownNest() {
        var nest: [UInt8] = []
        while nest.count < 3_000 { nest = WireBytes.field(99, nest) }
        #expect(refusal(Request.self, nest) == nil)
    }

    @Test("an offset counts from the start of the whole message")
    func offsets() {
        let inner = WireBytes.field(5, "ok") + WireBytes.field(6, [0x61, 0xFF])
        let bytes = WireBytes.field(1, WireBytes.field(1, "id") + inner)
        #expect(
            refusal(BerthV1.GetServiceResponse.self, bytes) == .malformed(.notUTF8, offset: 13)
        )
    }

    @Test("no error quotes what the message holds")
    func errorsAreSilent() throws {
        let bytes = WireBytes.field(9, Array("hunter2".utf8) + [0xFF])
        let error = try #require(refusal(Request.self, bytes))
        #expect(error.description == "the message is malformed at byte 9: notUTF8")
    }
}
