import Domain

/// The credentials that a database is made with.
struct DatabaseCredentials: Hashable {
    let databaseName: String
    let username: String
    let password: SecretText

    /// The longest name that PostgreSQL keeps whole (`NAMEDATALEN` − 1), in bytes.
    static let nameLengthMax = 63
    /// The bytes that a chosen password may have.
    static let passwordLength = 12...128
    /// Databases that exist in every cluster.
    static let databaseNamesReserved: Set<String> = ["postgres", "template0", "template1"]
    /// Words that PostgreSQL refuses as a role's name.
    static let usernamesReserved: Set<String> = ["public", "none"]

    /// What the caller wishes; a blank text leaves the choice to Berth.
    struct Wish {
        let databaseName: String
        let username: String
        let password: SecretText
    }

    /// Fills blanks from the template and the generator, and notes every rule that a wish breaks.
    init(
        wish: Wish, template: DatabaseTemplate, passwords: any PasswordGenerator,
        violations: inout FieldViolations
    ) throws {
        databaseName = isBlank(wish.databaseName) ? template.databaseNameDefault : wish.databaseName
        username = isBlank(wish.username) ? template.usernameDefault : wish.username
        password = isBlank(wish.password.revealed) ? try passwords.generate() : wish.password
        DatabaseCredentials.check(databaseName: databaseName, &violations)
        DatabaseCredentials.check(username: username, &violations)
        DatabaseCredentials.check(password: password, &violations)
    }

    /// Notes what is wrong with a wish when no template is there to fill its blanks.
    static func check(_ wish: Wish, _ violations: inout FieldViolations) {
        if !isBlank(wish.databaseName) { check(databaseName: wish.databaseName, &violations) }
        if !isBlank(wish.username) { check(username: wish.username, &violations) }
        if !isBlank(wish.password.revealed) { check(password: wish.password, &violations) }
    }

    private static func check(databaseName: String, _ violations: inout FieldViolations) {
        if !isName(databaseName) {
            violations.add("database_name", nameRule)
        } else if databaseNamesReserved.contains(databaseName) {
            violations.add("database_name", "must not be '\(databaseName)', which PostgreSQL owns")
        }
    }

    private static func check(username: String, _ violations: inout FieldViolations) {
        if !isName(username) {
            violations.add("username", nameRule)
        } else if username.hasPrefix("pg_") {
            violations.add("username", "must not begin with 'pg_', which PostgreSQL reserves")
        } else if usernamesReserved.contains(username) {
            violations.add("username", "must not be '\(username)', which PostgreSQL reserves")
        }
    }

    private static func check(password: SecretText, _ violations: inout FieldViolations) {
        let bytes = password.revealed.utf8
        guard passwordLength.contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            violations.add(
                "password",
                "must be \(passwordLength.lowerBound) to \(passwordLength.upperBound) "
                    + "printable ASCII characters without spaces, or blank to have one generated")
            return
        }
    }

    private static let nameRule =
        "must match [A-Za-z_][A-Za-z0-9_]{0,\(nameLengthMax - 1)}, or be blank for the default"

    private static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, (1...nameLengthMax).contains(bytes.count) else {
            return false
        }
        return isNameByte(first) && !isDigit(first) && bytes.allSatisfy(isNameByte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "_"):
            true
        default: isDigit(byte)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

/// Whether a text is empty or white space alone.
func isBlank(_ text: String) -> Bool {
    text.allSatisfy(\.isWhitespace)
}
