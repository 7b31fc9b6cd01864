import EventLoops
import PostgresClient
import SQL
import TestSupport
import Testing

@Suite struct TypesTests {
    static let table = """
        CREATE TYPE colour AS ENUM ('red', 'green');
        CREATE TABLE every_type (
            id serial, text_value text, varchar_value varchar(80), enum_value colour,
            json_value jsonb, uuid_value uuid, int2_value smallint, int4_value integer,
            int8_value bigint, bool_value boolean, bytes_value bytea, time_value timestamptz,
            array_value text[]);
        """
    static let insert = Statement(
        "insert_every_type",
        """
        INSERT INTO every_type (text_value, varchar_value, enum_value, json_value, uuid_value,
            int2_value, int4_value, int8_value, bool_value, bytes_value, time_value, array_value)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """
    )
    static let read = Statement("read_every_type", "SELECT * FROM every_type ORDER BY id")

    static let uuid = UUIDBytes(high: 0x0190_163D_8694_739B, low: 0xAEA5_966C_26F8_AD91)
    static let values: [PostgresValue] = [
        .text("zoë ' \" \\ 🐘"), .text(""), .text("green"), .text(#"{"a": [1, 2]}"#), .uuid(uuid),
        .int32(-7), .int32(.min), .int64(.max), .bool(true), .bytes([0, 255, 10, 0]),
        .timestamp(microsecondsSince1970: -1_234_567_890_123_456),
        .textArray(["", "a,b", "\"{}\\", "NULL", "ü"]),
    ]
    static let nulls = [PostgresValue](repeating: .null, count: 12)

    private static func check(_ row: Row) throws {
        #expect(try row.text("text_value") == "zoë ' \" \\ 🐘")
        #expect(try row.text("varchar_value") == "")
        #expect(try row.text("enum_value") == "green")
        #expect(try row.text("json_value") == #"{"a": [1, 2]}"#)
        #expect(try row.uuid("uuid_value") == uuid)
        #expect(try row.int32("int2_value") == -7)
        #expect(try row.int64("int2_value") == -7)
        #expect(try row.int32("int4_value") == .min)
        #expect(try row.int64("int8_value") == .max)
        #expect(try row.bool("bool_value"))
        #expect(try row.bytes("bytes_value") == [0, 255, 10, 0])
        #expect(try row.timestamp("time_value") == -1_234_567_890_123_456)
        #expect(try row.textArray("array_value") == ["", "a,b", "\"{}\\", "NULL", "ü"])
    }

    @Test("every type comes back as it was sent")
    func roundTrip() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            try await pool.inTransaction { transaction in
                transaction.send(Self.insert, Self.values)
                try Self.check(try await transaction.query(Self.read)[0])
            }
        }
    }

    @Test("a statement prepared with NULLs takes values of every type later")
    func nullsFirst() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            try await pool.inTransaction { transaction in
                transaction.send(Self.insert, Self.nulls)
                transaction.send(Self.insert, Self.values)
                let rows = try await transaction.query(Self.read)
                #expect(rows.count == 2)
                #expect(try rows[0].textIfPresent("text_value") == nil)
                #expect(try rows[0].uuidIfPresent("uuid_value") == nil)
                #expect(try rows[0].int64IfPresent("int8_value") == nil)
                #expect(try rows[0].boolIfPresent("bool_value") == nil)
                #expect(try rows[0].bytesIfPresent("bytes_value") == nil)
                #expect(try rows[0].timestampIfPresent("time_value") == nil)
                #expect(try rows[0].textArrayIfPresent("array_value") == nil)
                try Self.check(rows[1])
            }
        }
    }

    @Test("a statement prepared with values takes NULLs and text later")
    func valuesFirst() async throws {
        let texts = Self.values.map { value -> PostgresValue in
            switch value {
            case .uuid(let uuid): .text(uuid.description)
            case .int32(let value): .text("\(value)")
            case .bool: .text("yes")
            default: value
            }
        }
        try await withPool(script: Self.table) { _, _, pool in
            try await pool.inTransaction { transaction in
                transaction.send(Self.insert, Self.values)
                transaction.send(Self.insert, Self.nulls)
                transaction.send(Self.insert, texts)
                let rows = try await transaction.query(Self.read)
                #expect(try rows[1].boolIfPresent("bool_value") == nil)
                try Self.check(rows[2])
            }
        }
    }

    @Test(
        "the text form of a time is the same time",
        arguments: [
            0, 951_782_400_000_000, 951_868_799_999_999, -1, 4_102_444_800_000_001,
            -62_135_596_800_000_000, -62_135_596_800_000_001, -210_866_803_200_000_000,
            253_402_300_799_999_999, 253_402_300_800_000_000,
        ]
    )
    func times(microseconds: Int64) async throws {
        let echo = Statement("echo_time", "SELECT $1::timestamptz AS value")
        let found = try await withPool { _, _, pool in
            try await pool.inSession { session in
                _ = try await session.query(echo, [.null])
                let rows = try await session.query(
                    echo, [.timestamp(microsecondsSince1970: microseconds)])
                return try rows[0].timestamp("value")
            }
        }
        #expect(found == microseconds)
    }

    @Test("a NUL in text is refused instead of cutting the text there")
    func nul() async throws {
        try await withPool(script: "CREATE TABLE t (value text)") { _, _, pool in
            let error = try await postgresError {
                try await pool.inTransaction { transaction in
                    _ = transaction.send(
                        Statement("insert_nul", "INSERT INTO t VALUES ($1)"), [.text("a\0secret")])
                }
            }
            #expect(error.sqlState == "22021")
            #expect(!"\(error)".contains("secret"))
        }
    }

    @Test("a column that is missing, NULL or of another type is a decoding error")
    func decodingErrors() async throws {
        let read = Statement(
            "read_one", "SELECT 1 AS number, NULL::text AS nothing, 2::numeric AS n")
        try await withPool { _, _, pool in
            let row = try await pool.inSession { try await $0.query(read)[0] }
            for (body, column) in [
                ({ _ = try row.int32("absent") }, "absent"),
                ({ _ = try row.text("nothing") }, "nothing"),
                ({ _ = try row.text("number") }, "number"),
                ({ _ = try row.uuid("number") }, "number"),
                ({ _ = try row.text("n") }, "n"), ({ _ = try row.textArray("number") }, "number"),
            ] as [(() throws -> Void, String)] {
                let error = #expect(throws: PostgresError.self) { try body() }
                #expect(error?.kind == .decoding)
                #expect(error?.columnName == column)
            }
        }
    }

    @Test("affected rows are counted")
    func affectedRows() async throws {
        try await withPool(script: "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2), (3)") {
            _,
            _,
            pool in
            try await pool.inTransaction { transaction in
                let deleted = transaction.send(
                    Statement("delete_some", "DELETE FROM t WHERE n > $1"), [.int32(1)])
                let count = try await deleted.affectedRowCount()
                let rows = try await deleted.rows()
                #expect(count == 2)
                #expect(rows.isEmpty)
            }
        }
    }

    @Test("more rows and bytes than any buffer holds travel both ways")
    func large() async throws {
        let big = String(repeating: "x", count: 1_000_000)
        try await withPool(script: "CREATE TABLE t (n int, value text)") { _, _, pool in
            try await pool.inTransaction { transaction in
                let echo = Statement("echo_big", "INSERT INTO t VALUES ($1, $2) RETURNING value")
                let pending = (0..<8).map { transaction.send(echo, [.int32($0), .text(big)]) }
                for rows in pending {
                    let found = try await rows.rows()[0].text("value")
                    #expect(found.utf8.elementsEqual(big.utf8))
                }
                #expect(transaction.roundTrips == 1)
            }
        }
    }
}
