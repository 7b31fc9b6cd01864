import Testing

@testable import DockerEngine

@Suite struct JSONTests {
    private func parse(_ text: String) throws -> JSON { try JSON(parsing: Array(text.utf8)) }

    private func reason(_ text: String) -> JSONError.Reason? { reason(Array(text.utf8)) }

    private func reason(_ bytes: [UInt8]) -> JSONError.Reason? {
        do throws(JSONError) {
            _ = try JSON(parsing: bytes)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func readsEveryKindOfValue() throws {
        let text = #" {"a":null, "b":[true,false], "c":-12, "d":1.5e2, "e":"x", "f":{} , "g":[]} "#
        let expected: JSON = [
            "a": .null, "b": [true, false], "c": -12, "d": .decimal(150), "e": "x",
            "f": .object([]), "g": .array([]),
        ]
        #expect(try parse(text) == expected)
    }

    @Test func readsEveryEscape() throws {
        let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00\u0000""#
        #expect(try parse(text).string == "\"\\/\u{8}\u{C}\n\r\tA\u{E9}\u{1F600}\0")
    }

    @Test func readsWholeNumbersExactlyAndOthersAsDecimals() throws {
        #expect(try parse("9223372036854775807") == .integer(.max))
        #expect(try parse("-9223372036854775808") == .integer(.min))
        #expect(try parse("9223372036854775808") == .decimal(9_223_372_036_854_775_808))
        #expect(try parse("0") == 0)
        #expect(try parse("-0.5") == .decimal(-0.5))
        #expect(try parse("1E+2") == .decimal(100))
    }

    @Test(arguments: ["", " ", "{", "[1,", "\"abc", "tru", "-", "1.", "1e", #"{"a""#, #""\u00"#])
    func refusesATextThatEndsInsideAValue(_ text: String) {
        #expect(reason(text) == .truncated)
    }

    @Test(arguments: [
        "[1,]", "{,}", #"{"a":1,}"#, "{a:1}", "'a'", "[1 2]", "nil", "+1", ".5", "01x", "\"a\nb\"",
        #""\x""#, #"{"a" 1}"#, "-a", "// c",
    ])
    func refusesWhatOnlyLooksLikeJSON(_ text: String) {
        let found = reason(text)
        #expect(found == .unexpectedByte || found == .trailingBytes)
    }

    @Test(arguments: ["1 2", "{}x", "01", "null,", "\"a\"\"b\""])
    func refusesBytesBehindTheValue(_ text: String) {
        #expect(reason(text) == .trailingBytes)
    }

    @Test func refusesTextThatIsNotUnicode() {
        #expect(reason([0x22, 0xFF, 0x22]) == .invalidText)
        #expect(reason([0x22, 0xC0, 0x80, 0x22]) == .invalidText)
        #expect(reason(#""\ud800""#) == .invalidText)
        #expect(reason(#""\ud800\u0041""#) == .invalidText)
        #expect(reason(#""\udc00""#) == .invalidText)
    }

    @Test func refusesANameThatComesTwiceAndNumbersBeyondBounds() {
        #expect(reason(#"{"a":1,"a":2}"#) == .repeatedName)
        #expect(reason(#"{"a":1,"\u0061":2}"#) == .repeatedName)
        #expect(reason("1e999") == .invalidNumber)
    }

    @Test func refusesDeepNestsBeforeTheStackEnds() throws {
        let allowed = JSON.depthMax
        let nest = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
        _ = try parse(nest(allowed))
        #expect(reason(nest(allowed + 1)) == .tooDeep)
        #expect(reason(String(repeating: "[", count: 5_000_000)) == .tooDeep)
        #expect(reason(String(repeating: #"{"a":"#, count: 1_000_000)) == .tooDeep)
    }

    @Test func everyCutAndEveryChangedByteGivesAValueOrAnError() {
        let text = Array(#"{"a":[1,2.5e3,"\u00e9\n",null,{"b":true}],"c":"x"}"#.utf8)
        for end in 0..<text.count {
            #expect(reason(Array(text[..<end])) == .truncated)
        }
        var refused = 0
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[index] = byte
                if reason(changed) != nil { refused += 1 }
            }
        }
        #expect(refused > text.count * 128)
    }

    @Test func writesWhatItReads() throws {
        let value: JSON = [
            "text": "a\"\\\n\r\t\u{1}\u{7F}\u{E9}\u{1F600}/", "number": -5,
            "decimal": .decimal(0.25),
            "list": [.null, true, .array([]), .object([])],
        ]
        #expect(try JSON(parsing: value.bytes) == value)
    }

    @Test func writesWithoutSpaceInTheOrderGiven() {
        let value: JSON = ["b": 1, "a": ["x", "\u{1}"]]
        #expect(String(decoding: value.bytes, as: UTF8.self) == #"{"b":1,"a":["x","\u0001"]}"#)
        #expect(JSON.strings(["b": "2", "a": "1"]) == ["a": "1", "b": "2"])
    }

    @Test func nullIsAsGoodAsAbsent() throws {
        let value = try parse(#"{"a":null,"b":1}"#)
        #expect(value["a"] == nil)
        #expect(value["missing"] == nil)
        #expect(value["b"]?.integer == 1)
        #expect(value["b"]?.string == nil)
        #expect(JSON.integer(1)["a"] == nil)
    }
}
