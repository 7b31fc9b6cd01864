import CLibPQ
import Domain
import Testing

@testable import Services

@Suite struct ConnectionURITests {
    /// splitmix64: the same values in every run, so that a failure can be looked at.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_".utf8)
    static let digits = Array("0123456789".utf8)

    static func text(
        _ alphabet: [UInt8], _ length: ClosedRange<Int>, _ generator: inout Generator
    ) -> String {
        let count = Int.random(in: length, using: &generator)
        let bytes = (0..<count).compactMap { _ in alphabet.randomElement(using: &generator) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Any text at all without NUL, from one to four bytes a character.
    static func anyText(_ length: ClosedRange<Int>, _ generator: inout Generator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: length, using: &generator) {
            let limit: UInt32 =
                [0x7F, 0x7FF, 0xFFFF, 0x10FFFF].randomElement(using: &generator) ?? 1
            let value = UInt32.random(in: 1...limit, using: &generator)
            text.unicodeScalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
        }
        return text
    }

    /// What libpq itself reads in a URI, by its keywords; nil when it refuses it.
    static func parse(_ uri: String) -> [String: String]? {
        guard let options = PQconninfoParse(uri, nil) else { return nil }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                values[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        return values
    }

    static func expectSurvival(
        _ parts: ConnectionParts, at location: SourceLocation = #_sourceLocation
    ) throws {
        let parsed = parse(parts.uri.revealed)
        // The first failure is enough.
        try #require(
            parsed == [
                "host": parts.host, "port": "\(parts.port)", "dbname": parts.databaseName,
                "user": parts.username, "password": parts.password.revealed,
            ], sourceLocation: location)
    }

    @Test("10,000 users, passwords and databases of every allowed shape survive libpq's parser")
    func allowed() throws {
        var generator = Generator(state: 2026)
        let printable = (UInt8(0x21)...0x7E).map { $0 }
        for _ in 0..<10_000 {
            let parts = ConnectionParts(
                scheme: "postgresql", host: Self.text(Array("abc".utf8), 1...63, &generator),
                port: Int32.random(in: 1...65535, using: &generator),
                databaseName: Self.text(Self.letters, 1...1, &generator)
                    + Self.text(Self.letters + Self.digits, 0...62, &generator),
                username: Self.text(Self.letters, 1...1, &generator)
                    + Self.text(Self.letters + Self.digits, 0...62, &generator),
                password: SecretText(Self.text(printable, 12...128, &generator)))
            try Self.expectSurvival(parts)
        }
    }

    @Test("10,000 users, passwords and databases of any text at all survive libpq's parser")
    func anything() throws {
        var generator = Generator(state: 7)
        for _ in 0..<10_000 {
            try Self.expectSurvival(
                ConnectionParts(
                    scheme: "postgresql", host: "main", port: 5432,
                    databaseName: Self.anyText(1...40, &generator),
                    username: Self.anyText(1...40, &generator),
                    password: SecretText(Self.anyText(1...60, &generator))))
        }
    }

    @Test("every byte that a user's or a database's name may hold survives by itself")
    func everyNameByte() throws {
        for byte in Self.letters + Self.digits {
            let name = "_" + String(UnicodeScalar(byte))
            try Self.expectSurvival(
                ConnectionParts(
                    scheme: "postgresql", host: "main", port: 5432, databaseName: name,
                    username: name, password: SecretText("aaaaaaaaaaaa")))
        }
    }

    @Test("every byte that a password may hold survives by itself")
    func everyByte() throws {
        for byte in UInt8(0x21)...0x7E {
            let text = String(repeating: String(UnicodeScalar(byte)), count: 12)
            try Self.expectSurvival(
                ConnectionParts(
                    scheme: "postgresql", host: "main", port: 5432, databaseName: "app",
                    username: "berth", password: SecretText(text)))
        }
    }
}
