/// The types of `pg_type.dat` that this client knows by number.
enum TypeOID {
    static let unspecified: UInt32 = 0
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let char: UInt32 = 18
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let unknown: UInt32 = 705
    static let textArray: UInt32 = 1009
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let nameArray: UInt32 = 1003
    static let varcharArray: UInt32 = 1015
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802

    /// Types of extensions and of our own schema begin here: enums among them, whose binary form is
    /// their text.
    static let firstOfUser: UInt32 = 16384

    /// Whether a type's binary form is its text.
    static func isText(_ type: UInt32) -> Bool {
        switch type {
        case text, varchar, bpchar, name, char, json, unknown: true
        default: type >= firstOfUser
        }
    }

    /// Whether an array's elements are text in binary form.
    static func isTextArray(_ type: UInt32) -> Bool {
        type == textArray || type == varcharArray || type == nameArray || type >= firstOfUser
    }

    /// Microseconds from 1970-01-01 to PostgreSQL's origin, 2000-01-01.
    static let microsecondsFrom1970To2000: Int64 = 946_684_800_000_000
}
