import BerthMessages
import Messages
import StandardMessages
import Testing

@Suite struct WireTests {
    @Test(
        "decoding and encoding again gives the bytes that another implementation made",
        arguments: goldenBerthMessages + goldenAgentMessages + goldenStandardMessages
    )
    func goldenRoundTrip(_ golden: GoldenMessage) throws {
        #expect(try golden.recode(golden.bytes, .standard) == golden.bytes)
    }

    @Test(
        "every string field reaches the property of its own name",
        arguments: goldenBerthMessages + goldenAgentMessages + goldenStandardMessages
    )
    func fieldNames(_ golden: GoldenMessage) throws {
        for property in try golden.properties() {
            if let text = property.value as? String {
                let isSecret = ["password", "connectionURI"].contains(property.name)
                #expect(text == (isSecret ? "(secret)" : protoName(property.name)))
            } else if let chosen = chosenMember(of: property.value),
                let text = chosen.value as? String
            {
                #expect(text == protoName(chosen.name))
            }
        }
    }

    @Test("a create request keeps every field, also text beyond ASCII")
    func createRequest() throws {
        let request = BerthV1.CreateDatabaseServiceRequest.with {
            $0.environmentID = "018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a34"
            $0.name = "Zürich 数据库 🐘"
            $0.templateID = "postgres"
            $0.deployNow = true
            $0.password = "correct-horse"
        }
        let bytes = try Wire.encode(request)
        // Python: CreateDatabaseServiceRequest(environment_id=…, …).SerializeToString().hex()
        let golden = """
            0a2430313866326639652d366433612d376334312d396636652d3064366331623166326133341216
            5ac3bc7269636820e695b0e68daee5ba9320f09f90981a08706f73746772657328014a0d636f7272
            6563742d686f727365
            """
        #expect(bytes == [UInt8](hexadecimal: golden))
        #expect(try Wire.decode(BerthV1.CreateDatabaseServiceRequest.self, from: bytes) == request)
    }

    @Test("integers keep their sign and their extremes")
    func integers() throws {
        let time = GoogleProtobuf.Timestamp.with {
            $0.seconds = -1
            $0.nanos = .min
        }
        // Python: Timestamp(seconds=-1, nanos=-2147483648).SerializeToString().hex()
        let golden = [UInt8](hexadecimal: "08ffffffffffffffffff01 1080808080f8ffffffff01")
        #expect(try Wire.encode(time) == golden)
        #expect(try Wire.decode(GoogleProtobuf.Timestamp.self, from: golden) == time)
    }

    @Test("a message with nothing set is no bytes, and no bytes are such a message")
    func empty() throws {
        #expect(try Wire.encode(BerthV1.Service()).isEmpty)
        #expect(try Wire.decode(BerthV1.Service.self, from: []) == BerthV1.Service())
    }

    @Test("an empty string that a oneof chose is on the wire; outside a oneof it is not")
    func emptyChoice() throws {
        let request = GRPCReflectionV1.ServerReflectionRequest.with {
            $0.messageRequest = .listServices("")
        }
        let bytes = try Wire.encode(request)
        #expect(bytes == [0x3A, 0x00])
        #expect(
            try Wire.decode(GRPCReflectionV1.ServerReflectionRequest.self, from: bytes) == request
        )
    }

    @Test("a message that a oneof chose may be empty")
    func emptyMessageChoice() throws {
        let response = GRPCReflectionV1.ServerReflectionResponse.with {
            $0.messageResponse = .listServicesResponse(.init())
        }
        let bytes = try Wire.encode(response)
        #expect(bytes == [0x32, 0x00])
        #expect(
            try Wire.decode(GRPCReflectionV1.ServerReflectionResponse.self, from: bytes) == response
        )
    }

    @Test("of several members of a oneof the last one counts")
    func lastChoice() throws {
        let bytes = WireBytes.field(1, "service") + WireBytes.field(2, "environment")
        let request = try Wire.decode(BerthV1.ListConfigRequest.self, from: bytes)
        #expect(request.scope == .environmentID("environment"))
    }

    @Test("an enum's number that this version does not know is kept")
    func unrecognized() throws {
        let bytes: [UInt8] = [0x60, 0x63]
        let service = try Wire.decode(BerthV1.Service.self, from: bytes)
        #expect(service.state == .unrecognized(99))
        #expect(try Wire.encode(service) == bytes)
    }

    @Test("a bool of any number but 0 is true")
    func looseBool() throws {
        let bytes = WireBytes.tag(5, 0) + [0x82, 0x01]
        #expect(try Wire.decode(BerthV1.CreateDatabaseServiceRequest.self, from: bytes).deployNow)
    }

    @Test("of a field that comes twice the last counts")
    func duplicates() throws {
        let bytes =
            WireBytes.field(1, "one") + WireBytes.field(5, "name") + WireBytes.field(1, "two")
        let service = try Wire.decode(BerthV1.Service.self, from: bytes)
        #expect(service.id == "two")
        #expect(service.name == "name")
    }

    @Test("of two different messages of one oneof the last counts")
    func lastMessageChoice() throws {
        let bytes: [UInt8] = WireBytes.field(4, WireBytes.field(1, [1])) + [0x32, 0x00]
        let response = try Wire.decode(GRPCReflectionV1.ServerReflectionResponse.self, from: bytes)
        #expect(response.messageResponse == .listServicesResponse(.init()))
    }

    @Test("repeated integers are read packed, unpacked and mixed")
    func packing() throws {
        let packed = WireBytes.field(2, [1, 2] + WireBytes.varint(300))
        let unpacked: [UInt8] = [0x10, 0x04, 0x10, 0x05]
        let message = try Wire.decode(
            GRPCReflectionV1.ExtensionNumberResponse.self,
            from: packed + unpacked
        )
        #expect(message.extensionNumber == [1, 2, 300, 4, 5])
        #expect(try Wire.encode(message) == WireBytes.field(2, [1, 2, 0xAC, 0x02, 4, 5]))
    }

    @Test("maps are written in the order of their keys, and of equal keys the last counts")
    func maps() throws {
        let info = GoogleRPC.ErrorInfo.with { $0.metadata = ["b": "2", "a": "1", "c": ""] }
        let bytes = try Wire.encode(info)
        let entries = [("a", "1"), ("b", "2")].flatMap { key, value in
            WireBytes.field(3, WireBytes.field(1, key) + WireBytes.field(2, value))
        }
        #expect(bytes == entries + WireBytes.field(3, WireBytes.field(1, "c")))
        let again = WireBytes.field(3, WireBytes.field(1, "a") + WireBytes.field(2, "9"))
        let decoded = try Wire.decode(GoogleRPC.ErrorInfo.self, from: bytes + again)
        #expect(decoded.metadata == ["a": "9", "b": "2", "c": ""])
    }

    @Test("a map entry without a value holds the default")
    func mapWithoutValue() throws {
        let bytes = WireBytes.field(1, WireBytes.field(1, "berth"))
        let response = try Wire.decode(GRPCHealthV1.HealthListResponse.self, from: bytes)
        #expect(response.statuses == ["berth": GRPCHealthV1.HealthCheckResponse()])
    }

    @Test("the prefix that a caller asks for is left as zero bytes before the message")
    func prefix() throws {
        let request = GRPCHealthV1.HealthCheckRequest.with { $0.service = "a" }
        #expect(try Wire.encode(request, after: 5) == [0, 0, 0, 0, 0, 0x0A, 0x01, 0x61])
    }

    @Test("printing a message shows no password and no connection URI")
    func secretsStayOut() {
        let request = BerthV1.CreateDatabaseServiceRequest.with {
            $0.username = "visible"
            $0.password = "hunter2-hunter2"
        }
        let response = BerthV1.RevealConnectionResponse.with {
            $0.connectionURI = "hunter2-hunter2"
        }
        for text in ["\(request)", "\(response)", String(reflecting: request)] {
            #expect(!text.contains("hunter2"))
        }
        #expect("\(request)".contains("visible"))
    }

    /// environmentID -> environment_id.
    private func protoName(_ property: String) -> String {
        var name = ""
        var previousWasUpper = false
        for character in property {
            if character.isUppercase, !previousWasUpper { name += "_" }
            previousWasUpper = character.isUppercase
            name += character.lowercased()
        }
        return name
    }

    /// The case of an optional enum with associated values.
    private func chosenMember(of value: Any) -> (name: String, value: Any)? {
        guard let some = Mirror(reflecting: value).children.first, some.label == "some",
            let member = Mirror(reflecting: some.value).children.first,
            Mirror(reflecting: some.value).displayStyle == .enum
        else { return nil }
        return (member.label ?? "", member.value)
    }
}
