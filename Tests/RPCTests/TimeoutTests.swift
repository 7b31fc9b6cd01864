import Testing

@testable import RPC

@Suite struct TimeoutTests {
    @Test(
        "each unit stands for its duration",
        arguments: [
            ("1H", Duration.seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)),
            ("4m", .milliseconds(4)), ("5u", .microseconds(5)), ("6n", .nanoseconds(6)),
            ("0S", .zero), ("99999999H", .seconds(99_999_999 * 3600)), ("00000001S", .seconds(1)),
        ])
    func parses(text: String, duration: Duration) {
        #expect(Timeout.parse(Array(text.utf8).span) == duration)
    }

    @Test(
        "what the protocol does not allow is refused",
        arguments: ["", "S", "1", "1s", "-1S", "1.5S", "123456789S", " 1S", "1S ", "1SS", "+1S"])
    func refuses(text: String) {
        #expect(Timeout.parse(Array(text.utf8).span) == nil)
    }
}
