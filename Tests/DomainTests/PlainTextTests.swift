import Domain
import Testing

@Suite("PlainText")
struct PlainTextTests {
    /// What no line may hold.
    static let refused: [Unicode.Scalar] =
        [0x00, 0x09, 0x0A, 0x0D, 0x1B, 0x1F, 0x7F, 0x80, 0x85, 0x9B, 0x9F].compactMap(
            Unicode.Scalar.init)
        + [
            "\u{2028}", "\u{2029}", "\u{061C}", "\u{200E}", "\u{200F}", "\u{202A}", "\u{202B}",
            "\u{202C}", "\u{202D}", "\u{202E}", "\u{2066}", "\u{2067}", "\u{2068}", "\u{2069}",
        ]

    @Test("control characters, separators of lines and marks of direction may not stand in it")
    func refuses() {
        for scalar in Self.refused {
            let name = String(scalar.value, radix: 16)
            #expect(!PlainText.allows(scalar), "U+\(name)")
            #expect(!PlainText.allows("a\(Character(scalar))b"), "U+\(name)")
            #expect(
                PlainText.line(of: "a\(Character(scalar))b", lengthMax: 10) == "a b", "U+\(name)")
        }
    }

    @Test(
        "all other text may, of any script",
        arguments: [
            "", "Orders DB", "größer", "заказы", "数据", "طلبات", "הזמנות", "👩‍👩‍👧", "a\u{A0}b",
            "~!@#$%^&*()\"'\\/<>",
        ])
    func allows(_ text: String) {
        #expect(PlainText.allows(text))
        #expect(PlainText.line(of: text, lengthMax: 100) == text)
    }

    @Test(
        "text from outside becomes one line",
        arguments: [
            ("", ""), ("plain", "plain"), ("  a  ", "a"), ("a\nb\r\nc\u{0}d\u{7F}e", "a b c d e"),
            ("\n \t", ""), ("größer", "größer"), ("\u{2028}a\u{9B}", "a"),
        ])
    func lines(_ text: String, _ line: String) {
        #expect(PlainText.line(of: text, lengthMax: 100) == line)
    }

    @Test("a line is cut between characters, never longer than allowed")
    func cuts() {
        #expect(PlainText.line(of: "äöü", lengthMax: 5) == "äö")
        #expect(PlainText.line(of: "äöü", lengthMax: 1) == "")
        #expect(
            PlainText.line(of: String(repeating: "x", count: 5000), lengthMax: 2048).count == 2048)
    }
}
