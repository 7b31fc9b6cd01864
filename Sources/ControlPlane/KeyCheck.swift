import Config
import Domain
import PostgresClient
import SQL

/// Binds a database to its master key: the first key seals a known text, and a key that cannot open
/// it is refused before it seals anything.
struct KeyCheck {
    let sealer: MasterKeySealer

    /// The database was made with another key.
    struct WrongKey: Error, CustomStringConvertible {
        let held: String
        let expected: String

        var description: String {
            "the master key is not the one of this database: "
                + "its secrets are sealed by key \(expected), this is key \(held)"
        }
    }

    /// Writes the check on the first start, verifies it on every other.
    /// - Throws: ``WrongKey``.
    func verify(_ transactions: any TransactionRunner) async throws {
        let sealed = try sealer.seal(SecretText(KeyCheck.knownText), for: KeyCheck.place)
        let stored = try await transactions.inTransaction { tx in
            tx.send(Statements.insert, [.text(sealed.keyID), .bytes(sealed.bytes)])
            guard let row = try await tx.query(Statements.find).first else {
                throw Problem(.internalFault, "the key check cannot be read back")
            }
            return SealedSecret(keyID: try row.text("key_id"), bytes: try row.bytes("sealed"))
        }
        let opened = try? sealer.open(stored, for: KeyCheck.place)
        guard opened?.revealed == KeyCheck.knownText else {
            throw WrongKey(held: sealer.keyID, expected: stored.keyID)
        }
    }

    private static let knownText = "berth key check"
    private static let place = SecretPlace(
        scope: .environment(EnvironmentID(high: 0, low: 0)), key: "BERTH_KEY_CHECK")

    private enum Statements {
        static let insert = Statement(
            "key_check_insert",
            "INSERT INTO key_checks (key_id, sealed) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
        static let find = Statement("key_check_find", "SELECT key_id, sealed FROM key_checks")
    }
}
