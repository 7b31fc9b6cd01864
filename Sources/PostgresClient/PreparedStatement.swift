/// A statement as one connection knows it.
package final class PreparedStatement {
    /// The name that the server knows it by.
    let serverName: String
    let sql: String
    /// The argument types it is prepared with (`pg_type.oid`); zero lets PostgreSQL infer one.
    package let typeOIDs: [UInt32]
    /// Whether no place without a type is given one by `types`.
    func fits(_ types: [UInt32]) -> Bool {
        for index in 0..<min(types.count, typeOIDs.count)
        where typeOIDs[index] == 0 && types[index] != 0 { return false }
        return true
    }

    /// Its types, and where it has none those of `types`.
    func refined(by types: [UInt32]) -> [UInt32] {
        typeOIDs.enumerated().map { index, type in
            type == 0 && index < types.count ? types[index] : type
        }
    }

    /// Whether its preparation was handed to libpq, and has not failed since.
    var isSent = false

    /// The text of a statement that is written in two parts.
    package static func sql(_ head: StaticString, _ tail: StaticString) -> String {
        tail.utf8CodeUnitCount == 0 ? "\(head)" : "\(head) \(tail)"
    }

    init(serverName: String, sql: String, typeOIDs: [UInt32]) {
        self.serverName = serverName
        self.sql = sql
        self.typeOIDs = typeOIDs
    }
}

/// The statements of one connection, found by the address of their name: a statement is a constant
/// of the program, so that looking it up hashes no text.
@safe struct PreparedStatements {
    private struct Key: Hashable {
        let name: UInt
        let head: UInt
        let tail: UInt
    }
    private var byAddress: [Key: PreparedStatement] = [:]
    private var byName: [String: PreparedStatement] = [:]

    /// Finds the statement in the form that fits `types`, or adds it.
    ///
    /// A place that was prepared without a type, because NULL or text came first, is prepared anew
    /// once a typed value comes: that happens at most once a place, and from then on the value
    /// travels in binary.
    mutating func find(
        _ name: StaticString, _ head: StaticString, _ tail: StaticString = "", types: [UInt32]
    ) -> PreparedStatement {
        // Safe: the addresses are only compared.
        let key = unsafe Key(
            name: UInt(bitPattern: name.utf8Start), head: UInt(bitPattern: head.utf8Start),
            tail: UInt(bitPattern: tail.utf8Start))
        if let known = byAddress[key], known.fits(types) { return known }
        let sql = PreparedStatement.sql(head, tail)
        let statement = add(name, sql, types: types)
        byAddress[key] = statement
        return statement
    }

    private mutating func add(
        _ name: StaticString, _ sql: String, types: [UInt32]
    ) -> PreparedStatement {
        var serverName = "\(name)"
        var types = types
        // The linker may keep one constant at several addresses; two statements may share a name.
        while let other = byName[serverName] {
            if other.sql == sql {
                if other.fits(types) { return other }
                types = other.refined(by: types)
            }
            serverName += "'"
        }
        let statement = PreparedStatement(serverName: serverName, sql: sql, typeOIDs: types)
        byName[serverName] = statement
        return statement
    }
}
