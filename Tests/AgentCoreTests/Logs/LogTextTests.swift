import DockerEngine
import Domain
import Testing

@testable import AgentCore

@Suite struct LogTextTests {
    private func piece(_ text: String, isStandardError: Bool = false) -> EngineLogPiece {
        EngineLogPiece(
            timestamp: "2026-01-01T00:00:00.5Z", isStandardError: isStandardError,
            bytes: Array(text.utf8))
    }

    @Test("lines are put together of their pieces, each output by itself")
    func pieces() {
        var text = LogText(redactor: SecretRedactor([]))
        #expect(text.take(piece("one ")) == nil)
        #expect(text.take(piece("error\n", isStandardError: true))?.text == "error")
        let line = text.take(piece("line\r\n"))
        #expect(line?.text == "one line")
        #expect(line?.isStandardError == false)
        #expect(line?.time == Timestamp(microsecondsSince1970: 1_767_225_600_500_000))
        #expect(text.take(piece("no end")) == nil)
        #expect(text.rest().map(\.text) == ["no end"])
    }

    @Test("a secret is replaced even when it comes in two pieces, and before a line is cut")
    func secrets() {
        var text = LogText(redactor: SecretRedactor(linesToo: ["hushhush", "two\nlines"]))
        #expect(text.take(piece("password hush")) == nil)
        #expect(text.take(piece("hush was used\n"))?.text == "password [redacted] was used")
        #expect(text.take(piece("a lines b\n"))?.text == "a [redacted] b")
        let long = String(repeating: "x", count: LogText.lineBytesMax - 4) + "hushhush"
        let line = text.take(piece(long + "\n"))
        #expect(line?.text.contains("hush") == false)
        #expect((line?.text.utf8.count ?? 0) <= LogText.lineBytesMax)
    }

    @Test("a line without end costs bounded memory")
    func endless() {
        var text = LogText(redactor: SecretRedactor([]))
        for _ in 0..<100 { #expect(text.take(piece(String(repeating: "x", count: 4096))) == nil) }
        #expect(text.take(piece("\n"))?.text.utf8.count == LogText.lineBytesMax)
    }

    @Test("control characters and broken UTF-8 do no harm")
    func bytes() {
        #expect(LogText.line([0x1B, 0x41, 0x00, 0xFF, 0x0A]) == " A \u{FFFD}")
    }

    @Test("a container's secrets are those that its label names")
    func labelled() {
        var details = EngineContainerDetails(id: "c", status: .running)
        details.labels = [Label.secretNames: "POSTGRES_PASSWORD,OTHER"]
        details.environment = ["POSTGRES_PASSWORD": "hushhush", "POSTGRES_USER": "app1"]
        let redactor = SecretRedactor(of: details)
        #expect(redactor.redact("app1 hushhush") == "app1 [redacted]")
    }

    @Test(
        "reads Docker's moments",
        arguments: [
            ("2026-01-01T00:00:00.5Z", Int64(1_767_225_600_500_000)),
            ("1970-01-01T00:00:00Z", 0), ("2024-02-29T12:00:00.123456789Z", 1_709_208_000_123_456),
        ])
    func moments(text: String, microseconds: Int64) {
        #expect(RFC3339.time(text) == Timestamp(microsecondsSince1970: microseconds))
    }

    @Test(
        "refuses what is no moment",
        arguments: ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00+01:00"])
    func noMoments(text: String) {
        #expect(RFC3339.time(text) == nil)
    }
}
