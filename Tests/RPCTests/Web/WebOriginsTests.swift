import HTTP2
import Testing

@testable import RPC

@Suite struct WebOriginsTests {
    private func request(_ origin: String?) -> HeaderBlock {
        var block = HeaderBlock()
        block.append(":method", "POST")
        if let origin { block.append("origin", Array(origin.utf8)) }
        return block
    }

    @Test("only the pages that were named are allowed")
    func named() throws {
        let origins = try WebOrigins(["https://app.example", "http://localhost:3000"])
        #expect(origins.allowed(request("https://app.example")) != nil)
        #expect(origins.allowed(request("http://localhost:3000")) != nil)
        for other in [
            "http://app.example", "https://app.example.evil", "https://app.example:1", "",
        ] {
            #expect(origins.allowed(request(other)) == nil, "\(other)")
        }
        #expect(origins.allowed(request(nil)) == nil)
    }

    @Test("a star allows every page, and nothing allows none")
    func all() throws {
        #expect(try WebOrigins(["*"]).allowed(request("https://x.example")) != nil)
        #expect(WebOrigins().allowed(request("https://x.example")) == nil)
    }

    @Test(
        "what is no origin is refused",
        arguments: ["app.example", "https://", "https://a/b", "ftp://a", "https://a b", "null", ""])
    func malformed(text: String) {
        #expect(throws: WebOrigins.Malformed.self) { try WebOrigins([text]) }
    }
}
