import HTTP2
import Testing

@testable import RPC

@Suite struct MetadataBase64Tests {
    @Test("any bytes come back from their text, padded or not, and padding is never written")
    func roundTrip() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + count) }
            let text = MetadataBase64.encode(bytes)
            #expect(!text.contains(UInt8(ascii: "=")))
            #expect(MetadataBase64.decode(text[...]) == bytes)
            let padding = [UInt8](repeating: UInt8(ascii: "="), count: (4 - text.count % 4) % 4)
            #expect(MetadataBase64.decode((text + padding)[...]) == bytes)
        }
    }

    @Test("known texts", arguments: [("", ""), ("Zg", "f"), ("Zm9v", "foo"), ("+/8", "\u{FB}ÿ")])
    func known(text: String, bytes: String) {
        let latin = bytes.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        #expect(MetadataBase64.encode(latin) == Array(text.utf8))
    }

    @Test(
        "malformed texts are refused",
        arguments: ["A", "AAAAA", "A===", "====", "A=A=", "AA=", "AA A", "AA-_", "AB", "Zg=", "é"])
    func malformed(text: String) {
        #expect(MetadataBase64.decode(Array(text.utf8)[...]) == nil)
    }
}

@Suite struct MetadataTests {
    private func block(_ fields: KeyValuePairs<String, String>) -> HeaderBlock {
        var block = HeaderBlock()
        for (name, value) in fields {
            block.append(name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        return block
    }

    @Test("shows custom fields and hides those of HTTP/2 and gRPC")
    func hides() throws {
        let metadata = Metadata(
            block([
                ":path": "/a", "content-type": "application/grpc", "te": "trailers",
                "grpc-timeout": "1S", "authorization": "Bearer t", "user-agent": "u", "x": "1",
                "x": "2", "grpc-foo": "z", "host": "h",
            ]))
        #expect(metadata.names == ["authorization", "user-agent", "x", "x"])
        #expect(metadata["authorization"] == "Bearer t")
        #expect(metadata["x"] == "1")
        #expect(metadata.values("x") == ["1", "2"])
        #expect(metadata[":path"] == nil)
        #expect(metadata["grpc-timeout"] == nil)
        #expect(metadata["X"] == nil)
    }

    @Test("binary values are split on commas before they are decoded")
    func binary() throws {
        let metadata = Metadata(block(["a-bin": "Zg,Zm8=, Zm9v", "b": "x", "a-bin": ""]))
        #expect(
            try metadata.binaryValues("a-bin")
                == [Array("f".utf8), Array("fo".utf8), Array("foo".utf8), []])
        #expect(try metadata.binaryValues("c-bin").isEmpty)
    }

    @Test("a malformed binary value is INTERNAL")
    func malformedBinary() {
        let metadata = Metadata(block(["a-bin": "!"]))
        let status = #expect(throws: RPCStatus.self) { try metadata.binaryValues("a-bin") }
        #expect(status?.code == .internal)
    }

    @Test("only well-formed custom fields can be added")
    func adds() throws {
        var metadata = Metadata()
        let refused = [
            metadata.append("Upper", "v"), metadata.append("a b", "v"), metadata.append("", "v"),
            metadata.append("x-bin", "v"), metadata.append("grpc-status", "0"),
            metadata.append(":path", "v"), metadata.append("content-type", "v"),
            metadata.append("x", "é"), metadata.append("x", "a\r\nb"),
            metadata.append("x", binary: [1]),
        ]
        #expect(!refused.contains(true))
        #expect(metadata.isEmpty)
        let added = [metadata.append("x-y_z.1", "v"), metadata.append("y-bin", binary: [255])]
        #expect(added == [true, true])
        #expect(metadata["x-y_z.1"] == "v")
        #expect(try metadata.binaryValues("y-bin") == [[255]])
    }
}
