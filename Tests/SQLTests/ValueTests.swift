import PostgresClient
import Testing

@testable import SQL

/// How values are written as text, and arrays read; against a real PostgreSQL see
/// `PostgresClientTests/TypesTests.swift`.
@Suite("Values")
struct ValueTests {
    @Test(
        "a time is written as the calendar of PostgreSQL has it",
        arguments: [
            (0, "1970-01-01 00:00:00.000000+00"),
            (-1, "1969-12-31 23:59:59.999999+00"),
            (951_782_400_000_000, "2000-02-29 00:00:00.000000+00"),
            (4_107_542_399_999_999, "2100-02-28 23:59:59.999999+00"),
            (4_107_542_400_000_000, "2100-03-01 00:00:00.000000+00"),
            (-62_135_596_800_000_000, "0001-01-01 00:00:00.000000+00"),
            (-62_135_596_800_000_001, "0001-12-31 23:59:59.999999+00 BC"),
        ])
    func times(_ microseconds: Int64, _ text: String) {
        #expect(
            PostgresValue.timestamp(microsecondsSince1970: microseconds).textForm == text)
    }

    @Test("each value has the text form that PostgreSQL reads, and NULL has none")
    func textForms() {
        #expect(PostgresValue.null.textForm == nil)
        #expect(PostgresValue.bool(true).textForm == "t")
        #expect(PostgresValue.bool(false).textForm == "f")
        #expect(PostgresValue.int64(.min).textForm == "-9223372036854775808")
        #expect(PostgresValue.bytes([0, 10, 255]).textForm == #"\x000aff"#)
        #expect(PostgresValue.bytes([]).textForm == #"\x"#)
        #expect(
            PostgresValue.textArray(["", "a,b", #"\"{}"#, "NULL"]).textForm
                == #"{"","a,b","\\\"{}","NULL"}"#)
        #expect(
            PostgresValue.uuid(UUIDBytes(high: 1, low: 0xA)).textForm
                == "00000000-0000-0001-0000-00000000000a")
    }

    static func array(_ numbers: [Int], _ text: String = "") -> [UInt8] {
        numbers.flatMap { number in
            (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
        } + Array(text.utf8)
    }

    @Test("an array of text is read, an empty one too")
    func arrays() {
        #expect(BinaryTextArray.decode(Self.array([0, 0, 25])) == [])
        #expect(BinaryTextArray.decode(Self.array([1, 0, 25, 1, 1, 2], "ab")) == ["ab"])
        #expect(BinaryTextArray.decode(Self.array([1, 0, 25, 1, 1, 0])) == [""])
    }

    @Test(
        "bytes that are no array of text are refused",
        arguments: [
            [], array([1]), array([2, 0, 25, 1, 1, 1, 1]), array([1, 0, 25, 1, 1, 3], "ab"),
            array([1, 0, 25, -1, 1]), array([1, 1, 25, 1, 1, -1]),
            array([1, 0, 25, 1, 1, 1]) + [0xFF], array([1, 0, 25, 2, 1, 1], "a"),
        ])
    func malformed(_ bytes: [UInt8]) {
        #expect(BinaryTextArray.decode(bytes) == nil)
    }
}
