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

    @Test(
        "are replaced as statements, URIs and JSON write them",
        arguments: [
            #"PASSWORD 'ab''c\d"é/x'"#, #"PASSWORD E'ab''c\\d"é/x'"#, #"PASSWORD E'ab\'c\\d"é/x'"#,
            #"{"password":"ab'c\\d\"é/x"}"#, #"{"password":"ab'c\\d\"\u00e9/x"}"#,
            #"{"password":"ab'c\\d\"é\/x"}"#, #"{"password":"ab'c\\d\"\u00e9\/x"}"#,
            "postgresql://u:ab%27c%5Cd%22%C3%A9%2Fx@h/d",
            "postgresql://u:ab%27c%5cd%22%c3%a9%2fx@h/d", #"the password is ab'c\d"é/x"#,
        ])
    func forms(text: String) {
        let redacted = SecretRedactor([SecretText(#"ab'c\d"é/x"#)]).redact(text)
        #expect(redacted.contains("[redacted]"))
        #expect(!redacted.contains("ab"), "\(redacted)")
        #expect(!redacted.hasSuffix("x") && !redacted.contains("x'"), "\(redacted)")
    }

    @Test("a mark that combines with a quote does not hide it")
    func combining() {
        let secret = "pass'\u{301}word"
        #expect(
            SecretRedactor([SecretText(secret)]).redact("'pass''\u{301}word'") == "'[redacted]'")
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
