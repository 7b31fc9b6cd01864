import Auth
import Domain
import Policy
import PostgresClient
import Testing

@Suite struct PostgresAccessTokenStoreTests {
    static func principal(
        of token: AccessToken, _ pool: ConnectionPool
    ) async throws -> Principal? {
        try await pool.inSession {
            try await PostgresStandingStore().principal(of: token.credential(), session: $0)
        }
    }

    @Test("a token is known by its hash alone")
    func hashed() async throws {
        try await withDatabase { database, pool in
            let person = try await pool.inTransaction { try await Tenancy.person($0, "new") }
            let found = try await Self.principal(of: person.token, pool)
            #expect(found == Principal(userID: person.userID, tokenID: person.tokenID))
            let row = try database.run(
                """
                SELECT user_id, encode(token_hash, 'hex'), expires_at IS NULL, revoked_at IS NULL
                FROM access_tokens WHERE id = '\(person.tokenID)'
                """)
            let text = person.token.text.revealed
            let hash = try database.run("SELECT encode(sha256('\(text)'::bytea), 'hex')")
            #expect(row == "\(person.userID)|\(hash)|t|t")
        }
    }

    @Test("a revoked token is no one's, and the time of its revocation stays")
    func revokes() async throws {
        try await withDatabase { database, pool in
            let person = try database.tenancy[.member]
            let revoked = Tenancy.time.advanced(by: .seconds(1))
            for time in [revoked, revoked.advanced(by: .seconds(60))] {
                try await pool.inTransaction {
                    try await AuthModule().revokeTokenWithinTx($0, id: person.tokenID, at: time)
                }
            }
            let found = try await Self.principal(of: person.token, pool)
            #expect(found == nil)
            let time = try database.run(
                """
                SELECT (extract(epoch FROM revoked_at) * 1000000)::bigint FROM access_tokens
                WHERE id = '\(person.tokenID)'
                """)
            #expect(time == "\(revoked.microsecondsSince1970)")
            let others = try await Self.principal(of: try database.tenancy[.owner].token, pool)
            #expect(others != nil)
        }
    }

    @Test("an expired token is no one's")
    func expires() async throws {
        try await withDatabase { database, pool in
            let person = try database.tenancy[.member]
            for (interval, isLive) in [("1 hour", true), ("-1 second", false)] {
                try database.run(
                    """
                    UPDATE access_tokens SET expires_at = now() + interval '\(interval)'
                    WHERE id = '\(person.tokenID)'
                    """)
                let found = try await Self.principal(of: person.token, pool)
                #expect((found != nil) == isLive)
            }
        }
    }

    @Test("two tokens cannot share a hash")
    func uniqueHash() async throws {
        try await withDatabase { database, pool in
            let person = try database.tenancy[.member]
            let error = try await postgresError {
                try await pool.inTransaction { tx in
                    try await PostgresAccessTokenStore().insertTokenWithinTx(
                        tx, id: AccessTokenID(high: 1, low: 1), userID: person.userID,
                        credential: try person.token.credential(), at: Tenancy.time)
                }
            }
            #expect(error.constraintName == "access_tokens_token_hash_key")
        }
    }
}
