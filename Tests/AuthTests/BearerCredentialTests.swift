import Cryptography
import Domain
import Testing

@testable import Auth

@Suite("BearerCredential")
struct BearerCredentialTests {
    static let token = "berth_" + String(repeating: "a", count: 43)

    @Test(
        "is the token's SHA-256, whatever the scheme's case and the spaces around",
        arguments: [
            "Bearer \(token)", "bearer \(token)", "BEARER \(token)", "bEaReR \(token)",
            "Bearer   \(token)", "  Bearer \(token)", "Bearer \(token)  ",
        ])
    func reads(_ header: String) throws {
        let credential = try BearerCredential.parse(header)
        #expect(credential.tokenHash == (try SHA256Digest.of(Array(Self.token.utf8))))
    }

    @Test("takes a header of 256 bytes and looks at none of 257")
    func length() throws {
        let fits = "Bearer berth_" + String(repeating: "a", count: 256 - 13)
        #expect(fits.utf8.count == BearerCredential.headerLengthMax)
        _ = try BearerCredential.parse(fits)
        try expectRefusal(fits + "a", "must be 'Bearer TOKEN'")
        try expectRefusal(" " + fits, "must be 'Bearer TOKEN'")
    }

    @Test("a call without the header is told what to send", arguments: [nil, ""])
    func missing(_ header: String?) throws {
        try expectRefusal(header, "authorization: Bearer TOKEN")
    }

    @Test(
        "anything else is refused, and never repeated",
        arguments: [
            " ", "Bearer", "Bearer ", token, "Basic \(token)", "Bearer\(token)",
            "Bearer\t\(token)", "Bearer \(token) \(token)", "Bearer, \(token)",
            "Bearer Berth_\(token)", "Bearer ghp_secret",
        ])
    func malformed(_ header: String) throws {
        try expectRefusal(header, "must be 'Bearer TOKEN'")
    }

    private func expectRefusal(
        _ header: String?, _ says: String, at location: SourceLocation = #_sourceLocation
    ) throws {
        let problem = try #require(throws: Problem.self, sourceLocation: location) {
            _ = try BearerCredential.parse(header)
        }
        #expect(problem.kind == .unauthenticated, sourceLocation: location)
        #expect(problem.message.contains(says), sourceLocation: location)
        #expect(!"\(problem)".contains("aaaa"), sourceLocation: location)
        #expect(!"\(problem)".contains("secret"), sourceLocation: location)
    }
}
