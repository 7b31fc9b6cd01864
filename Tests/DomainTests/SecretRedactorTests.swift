import Domain
import Testing

@Suite("Secrets in text for people")
struct SecretRedactorTests {
    @Test("are replaced wherever they stand, as they are and percent-encoded")
    func replaces() {
        let redactor = SecretRedactor([SecretText("p@ss/word"), SecretText("second")])
        #expect(redactor.redact("p@ss/word") == "[redacted]")
        #expect(
            redactor.redact("postgresql://u:p%40ss%2Fword@h/second?p@ss/wordp@ss/word")
                == "postgresql://u:[redacted]@h/[redacted]?[redacted][redacted]")
        #expect(redactor.redact("p@ss/wor") == "p@ss/wor")
        #expect(redactor.redact("größer als nötig") == "größer als nötig")
    }

    @Test("the longer of two that overlap goes whole")
    func longest() {
        let redactor = SecretRedactor([SecretText("abcd"), SecretText("abcdefgh")])
        #expect(redactor.redact("abcdefgh abcd") == "[redacted] [redacted]")
    }

    @Test("too short ones are not looked for; without any the text stays")
    func short() {
        #expect(SecretRedactor([SecretText("a"), SecretText("")]).redact("a banana") == "a banana")
        #expect(SecretRedactor([]).redact("text") == "text")
    }
}
