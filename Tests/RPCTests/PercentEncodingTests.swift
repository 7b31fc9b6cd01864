import Testing

@testable import RPC

@Suite struct PercentEncodingTests {
    private func encode(_ text: String, _ bytesMax: Int = 1000) -> String {
        String(decoding: PercentEncoding.encode(text, bytesMax: bytesMax), as: UTF8.self)
    }

    @Test("printable ASCII stays, the rest and the percent sign are escaped in upper case")
    func escapes() {
        #expect(encode("plain text, 100~") == "plain text, 100~")
        #expect(encode("50%") == "50%25")
        #expect(encode("\t\n\u{7F}") == "%09%0A%7F")
        #expect(encode("é🦊") == "%C3%A9%F0%9F%A6%8A")
        #expect(encode(" a b ") == "%20a b%20")
    }

    @Test("a long text is cut between characters")
    func cuts() {
        #expect(encode("aaé", 7) == "aa")
        #expect(encode("aaé", 8) == "aa%C3%A9")
        #expect(encode("abc", 0) == "")
    }

    @Test("any text comes back from its encoding")
    func roundTrip() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let scalars = (0..<20).map { _ in
                Unicode.Scalar(UInt32.random(in: 0...0x2FFFF, using: &generator)) ?? "x"
            }
            let text = String(String.UnicodeScalarView(scalars))
            let encoded = PercentEncoding.encode(text, bytesMax: .max)
            #expect(encoded.allSatisfy { $0 >= 0x20 && $0 <= 0x7E })
            #expect(PercentEncoding.decode(encoded[...]) == text)
        }
    }

    @Test("what is no escape stays as it is")
    func malformed() {
        #expect(PercentEncoding.decode(Array("100%".utf8)[...]) == "100%")
        #expect(PercentEncoding.decode(Array("%4".utf8)[...]) == "%4")
        #expect(PercentEncoding.decode(Array("%zz%41".utf8)[...]) == "%zzA")
    }
}
