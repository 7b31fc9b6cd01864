import Cryptography
import Domain
import Testing

@testable import Auth

@Suite("AccessToken")
struct AccessTokenTests {
    @Test("is 256 bits in base64url behind a prefix by which a leaked one is known, never the same")
    func generates() throws {
        let tokens = try (0..<100).map { _ in try AccessToken.generate().text.revealed }
        #expect(Set(tokens).count == tokens.count)
        for token in tokens {
            let secret = try #require(token.wholeMatch(of: /berth_([A-Za-z0-9_-]{43})/)).output.1
            #expect(Base64URL.decode(String(secret))?.count == 32)
        }
    }

    @Test("is stored as its SHA-256, which its reader makes of the header")
    func credential() throws {
        let token = try AccessToken.generate()
        let read = try BearerCredential.parse("Bearer \(token.text.revealed)")
        #expect(try token.credential() == read)
    }

    @Test("does not show itself")
    func shown() throws {
        let token = try AccessToken.generate()
        #expect(!"\(token)".contains(token.text.revealed))
    }
}
