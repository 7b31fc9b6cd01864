import Testing

@testable import Services

@Suite("ServiceSlug")
struct ServiceSlugTests {
    @Test(
        "is the name in lower case with hyphens for all else",
        arguments: [
            ("orders", "orders"), ("Orders DB", "orders-db"), ("a", "a"), ("A--b__c", "a-b-c"),
            ("  spaced  ", "spaced"), ("v2.1", "v2-1"), ("Bücher", "b-cher"), ("x!", "x"),
        ])
    func derives(name: String, slug: String) throws {
        #expect(try ServiceSlug(name: name).description == slug)
    }

    @Test(
        "refuses what makes no DNS label that starts with a letter",
        arguments: ["1st", "-", "...", "数据", "9", "localhost", "LocalHost", "_"])
    func refuses(name: String) {
        #expect(throws: ServiceSlug.Refusal.self) { try ServiceSlug(name: name) }
    }

    @Test("accepts 63 characters and refuses 64 instead of cutting")
    func length() throws {
        #expect(
            try ServiceSlug(name: String(repeating: "a", count: 63)).description.count == 63)
        #expect(throws: ServiceSlug.Refusal.self) {
            try ServiceSlug(name: String(repeating: "a", count: 64))
        }
    }
}
