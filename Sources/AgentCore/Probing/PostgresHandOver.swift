import Domain
import PostgresClient
import SQL

/// Makes a spare volume's data a service's: the role, the database and the password get their real
/// values, all in one transaction.
enum PostgresHandOver {
    /// The database to be connected to meanwhile: one that is renamed has no connections.
    static let databaseName = "postgres"

    /// - Parameter tx: Logged in by the spare's owner, connected to ``databaseName``.
    static func perform(
        _ tx: Transaction, from spare: LoginProbe, to owner: LoginProbe
    ) async throws {
        let verifier = try tx.scramVerifier(
            of: owner.password.revealed, for: owner.username)
        tx.send(create)
        tx.send(
            call,
            [
                .text(spare.username), .text(owner.username), .text(verifier),
                .text(spare.databaseName), .text(owner.databaseName),
            ])
        tx.send(drop)
    }

    // A role that is logged in cannot rename itself; one that lives as long as the transaction can.
    private static let create = Statement(
        "agent_create_hand_over",
        """
        CREATE FUNCTION berth_hand_over(
            old_role text, new_role text, verifier text, old_database text, new_database text
        ) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            CREATE ROLE berth_hand_over SUPERUSER;
            SET LOCAL SESSION AUTHORIZATION berth_hand_over;
            EXECUTE format('ALTER ROLE %I RENAME TO %I', old_role, new_role);
            EXECUTE format('ALTER ROLE %I PASSWORD %L', new_role, verifier);
            EXECUTE format('ALTER DATABASE %I RENAME TO %I', old_database, new_database);
            RESET SESSION AUTHORIZATION;
            DROP ROLE berth_hand_over;
        END
        $$
        """)
    private static let call = Statement(
        "agent_call_hand_over", "SELECT berth_hand_over($1, $2, $3, $4, $5)")
    private static let drop = Statement(
        "agent_drop_hand_over", "DROP FUNCTION berth_hand_over(text, text, text, text, text)")
}
