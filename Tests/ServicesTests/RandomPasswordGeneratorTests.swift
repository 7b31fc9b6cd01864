import Domain
import Testing

@testable import Services

@Suite("RandomPasswordGenerator")
struct RandomPasswordGeneratorTests {
    static let unreserved = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    @Test("a password has at least 160 bits, in characters that a URI takes as they are")
    func strength() throws {
        let password = try RandomPasswordGenerator().generate().revealed
        // Each character is one of 64: 6 bits.
        #expect(password.count * 6 >= 160)
        #expect(password.allSatisfy(Self.unreserved.contains))
        #expect(DatabaseCredentials.passwordLength.contains(password.utf8.count))
    }

    @Test("no two of a thousand are the same, nor the same at any place")
    func differs() throws {
        let passwords = try (0..<1000).map { _ in
            Array(try RandomPasswordGenerator().generate().revealed)
        }
        #expect(Set(passwords).count == passwords.count)
        for place in passwords[0].indices {
            // Of 64 characters 1000 draws miss one with a chance of 1.5e-7: half is a wide margin.
            #expect(Set(passwords.map { $0[place] }).count > 32, "place \(place)")
        }
    }
}
