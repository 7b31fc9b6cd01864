import Testing

@testable import Domain

@Suite("Identifier")
struct IdentifierTests {
    @Test("its text and bytes survive a round trip")
    func roundTrip() throws {
        for _ in 0..<1000 {
            let id = ServiceID.new(at: Timestamp(microsecondsSince1970: 1_800_000_000_000_000))
            #expect(ServiceID(id.description) == id)
            #expect(ServiceID(bytes: id.bytes) == id)
            #expect(ServiceID(id.description.uppercased()) == id)
        }
    }

    @Test("a new one is a UUIDv7 of its time")
    func version() throws {
        let id = ServiceID.new(at: Timestamp(microsecondsSince1970: 0x0123_4567_89AB * 1000 + 999))
        #expect(id.bytes.prefix(6) == [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB])
        #expect(id.bytes[6] >> 4 == 7)
        #expect(id.bytes[8] >> 6 == 2)
    }

    @Test("later ones sort after earlier ones")
    func order() {
        let texts = (0..<100).map {
            ServiceID.new(at: Timestamp(microsecondsSince1970: Int64($0) * 1000)).description
        }
        #expect(texts == texts.sorted())
    }

    @Test(
        "other texts are refused",
        arguments: [
            "", "0", "018f2f9e6d3a7c419f6e0d6c1b1f2a34", "018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a3",
            "018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a345", "018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a3g",
            "018f2f9e_6d3a-7c41-9f6e-0d6c1b1f2a34", "{18f2f9e-6d3a-7c41-9f6e-0d6c1b1f2a34}",
        ])
    func refuses(text: String) {
        #expect(ServiceID(text) == nil)
    }
}
