import Testing

@testable import DockerEngine

@Suite struct APIVersionTests {
    @Test func comparesByNumberNotByText() {
        #expect(APIVersion(1, 9) < APIVersion(1, 41))
        #expect(APIVersion("1.41") == APIVersion(1, 41))
        #expect(APIVersion("1.41")?.description == "1.41")
        for text in ["", "1", "1.", ".1", "1.2.3", "a.b", "-1.2"] {
            #expect(APIVersion(text) == nil)
        }
    }

    @Test func theNewestThatBothSpeakIsSpoken() {
        func agreed(_ minimum: Int, _ maximum: Int) -> APIVersion? {
            .negotiated(minimum: APIVersion(1, minimum), maximum: APIVersion(1, maximum))
        }
        #expect(agreed(12, 41) == APIVersion(1, 41))
        #expect(agreed(24, 43) == APIVersion(1, 43))
        #expect(agreed(24, 99) == .newest)
        #expect(agreed(12, 40) == nil)
        #expect(agreed(90, 99) == nil)
    }
}
