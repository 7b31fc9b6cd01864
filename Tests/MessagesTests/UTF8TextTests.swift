import Messages
import StandardMessages
import Testing

@Suite struct UTF8TextTests {
    private func refusal(_ text: [UInt8]) -> MessageError? {
        do throws(MessageError) {
            let bytes = WireBytes.field(1, text)
            _ = try Wire.decode(GRPCHealthV1.HealthCheckRequest.self, from: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test("a NUL is refused at every place of a string", arguments: 0..<40)
    func nul(_ place: Int) {
        var text = [UInt8](repeating: 0x61, count: 40)
        text[place] = 0
        #expect(refusal(text) == .malformed(.nulInString, offset: 2 + place))
        // Also when text beyond ASCII is before or behind it.
        #expect(refusal([0xC3, 0xBC] + text) == .malformed(.nulInString, offset: 4 + place))
        #expect(refusal(text + [0xC3, 0xBC]) == .malformed(.nulInString, offset: 2 + place))
    }

    @Test(
        "what is not UTF-8 is refused at every place of a string",
        arguments: [
            "80", "bf", "c3", "c3 28", "c0 80", "c1 bf", "e0 80 80", "e0 9f bf", "e2 82",
            "ed a0 80", "ed bf bf", "f0 80 80 80", "f0 8f bf bf", "f0 9f 90", "f4 90 80 80",
            "f5 80 80 80", "fe", "ff",
        ]
    )
    func invalid(_ hexadecimal: String) {
        let sequence = [UInt8](hexadecimal: hexadecimal)
        for before in 0..<20 {
            let text = [UInt8](repeating: 0x61, count: before) + sequence
            #expect(refusal(text) == .malformed(.notUTF8, offset: 2 + before))
            #expect(refusal(text + [0x61, 0x62]) == .malformed(.notUTF8, offset: 2 + before))
        }
    }

    @Test(
        "UTF-8 of every length passes at every place",
        arguments: ["\u{1}", "\u{7F}", "ü", "\u{7FF}", "数", "\u{FFFD}", "🐘", "\u{10FFFF}"]
    )
    func valid(_ character: String) throws {
        for before in 0..<20 {
            let text = String(repeating: "a", count: before) + character + "z"
            let message = GRPCHealthV1.HealthCheckRequest.with { $0.service = text }
            let bytes = WireBytes.field(1, text)
            #expect(try Wire.encode(message) == bytes)
            #expect(try Wire.decode(GRPCHealthV1.HealthCheckRequest.self, from: bytes) == message)
        }
    }

    @Test("a string with a NUL cannot be encoded, wherever it is", arguments: 0..<20)
    func encodingNul(_ place: Int) {
        let text = String(repeating: "a", count: place) + "\0" + "z"
        let expected = MessageError.nulInString
        #expect(throws: expected) {
            try Wire.encode(GRPCHealthV1.HealthCheckRequest.with { $0.service = text })
        }
        #expect(throws: expected) {
            try Wire.encode(GoogleRPC.ErrorInfo.with { $0.metadata = ["key": text] })
        }
        #expect(throws: expected) {
            try Wire.encode(
                GRPCReflectionV1.ServerReflectionRequest.with {
                    $0.messageRequest = .fileContainingSymbol(text)
                }
            )
        }
    }

    @Test("bytes may hold anything")
    func bytesAreFree() throws {
        let value = GoogleProtobuf.AnyMessage.with { $0.value = Array(0...255) }
        #expect(
            try Wire.decode(GoogleProtobuf.AnyMessage.self, from: Wire.encode(value)) == value
        )
    }
}
