import Config
import Cryptography
import Domain
import PostgresClient
import SQL

/// Keeps the key that signs jobs in the database, sealed with the master key.
struct SigningKeyVault {
    let sealer: MasterKeySealer
    let clock: any WallClock

    /// The database's signing key; the first who asks makes it, of several at once one.
    ///
    /// - Throws: `Problem` of kind `internalFault` when the stored key cannot be opened.
    func key(_ transactions: any TransactionRunner) async throws -> SigningKey {
        let fresh = try SigningKey.generate()
        let sealed = try sealer.seal(
            SecretText(Base64URL.encode(fresh.seed.revealed())), for: SigningKeyVault.place)
        let now = clock.now()
        let stored = try await transactions.inTransaction { tx in
            tx.send(
                Statements.insert,
                [
                    .bytes(fresh.publicKey), .bytes(sealed.bytes), .text(sealed.keyID), .time(now),
                ])
            return try await tx.query(Statements.find).first.map {
                (
                    publicKey: try $0.bytes("public_key"),
                    sealed: SealedSecret(
                        keyID: try $0.text("sealing_key_id"), bytes: try $0.bytes("sealed"))
                )
            }
        }
        guard let stored,
            var seed = Base64URL.decode(
                try sealer.open(stored.sealed, for: SigningKeyVault.place).revealed),
            seed.count == SigningKey.seedByteCount
        else { throw SigningKeyVault.unreadable }
        let key = try SigningKey(seed: SecretBytes(taking: &seed))
        guard key.publicKey == stored.publicKey else { throw SigningKeyVault.unreadable }
        return key
    }

    private static let place = SecretPlace(
        scope: .environment(EnvironmentID(high: 0, low: 0)), key: "BERTH_SIGNING_KEY")

    private static var unreadable: Problem {
        Problem(.internalFault, "the signing key of the database cannot be read")
    }

    private enum Statements {
        static let insert = Statement(
            "signing_key_insert",
            """
            INSERT INTO signing_keys (public_key, sealed, sealing_key_id, created_at)
            VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING
            """)
        static let find = Statement(
            "signing_key_find", "SELECT public_key, sealed, sealing_key_id FROM signing_keys")
    }
}
