import Auth
import Cryptography
import Domain
import PostgresClient
import Testing

@testable import Services

/// A request_id makes the create call safe to repeat, on a real PostgreSQL and under races.
@Suite struct RepeatedRequestTests {
    /// A request in order, with a request id.
    static func request(
        _ tenancy: Tenancy, id: String = "once", name: String = "Main DB"
    ) -> CreateDatabaseRequest {
        var request = CreateDatabaseRequest.sample(tenancy, name: name)
        request.requestID = id
        return request
    }

    static func create(
        _ request: CreateDatabaseRequest, by person: Tenancy.Person, _ pool: ConnectionPool
    ) async throws -> CreatedDatabase {
        try await Modules(pool).services.createDatabase(request, caller: try person.caller())
    }

    @Test("repeated, it gives the same answer, generated password included, and writes no row")
    func repeats() async throws {
        try await withDatabase { database, pool in
            let request = Self.request(database.tenancy)
            let member = try database.tenancy[.member]
            let first = try await Self.create(request, by: member, pool)
            let rows = try database.rowsByTable()
            for _ in 0..<3 {
                let again = try await Self.create(request, by: member, pool)
                #expect(again == first)
            }
            let after = try database.rowsByTable()
            #expect(after == rows)
        }
    }

    @Test("what is stored of it is keyed: a dump does not tell a password that was tried")
    func fingerprint() async throws {
        try await withDatabase { database, pool in
            var request = Self.request(database.tenancy)
            request.password = SecretText("a-chosen-password")
            _ = try await Self.create(request, by: try database.tenancy[.member], pool)
            let stored = try database.run("SELECT encode(fingerprint, 'hex') FROM create_requests")
            func hexadecimal(_ bytes: [UInt8]) -> String {
                bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            }
            func fingerprint(_ key: SecretBytes) throws -> String {
                try hexadecimal(
                    HMACRequestFingerprinter(masterKey: key).fingerprint(request.canonicalBytes))
            }
            #expect(stored == (try fingerprint(Modules.masterKey())))
            #expect(stored != (try fingerprint(Modules.masterKey(8))))
            #expect(stored != hexadecimal(try SHA256Digest.of(request.canonicalBytes)))
            // The key is one of its own, derived from the master key.
            let master = Modules.masterKey()
            #expect(
                stored != hexadecimal(try HMACSHA256.tag(request.canonicalBytes, key: master)))
        }
    }

    @Test("once its service is deleted it finds nothing; taken back, it has its answer again")
    func deleted() async throws {
        try await withDatabase { database, pool in
            let member = try database.tenancy[.member]
            let request = Self.request(database.tenancy)
            let first = try await Self.create(request, by: member, pool)
            let services = try Modules(pool).services
            let id = first.status.service.id.description
            _ = try await services.deleteService(id: id, caller: try member.caller())
            let refused = try await problem {
                _ = try await Self.create(request, by: member, pool)
            }
            #expect(refused.kind == .notFound)
            let back = try await services.undeleteService(id: id, caller: try member.caller())
            let again = try await Self.create(request, by: member, pool)
            #expect(again.connectionURI == first.connectionURI)
            #expect(again.status.service == back.status.service)
            #expect(try database.count("services") == 1)
        }
    }

    @Test("the same user may repeat it with another token")
    func otherToken() async throws {
        try await withDatabase { database, pool in
            let request = Self.request(database.tenancy)
            let member = try database.tenancy[.member]
            let first = try await Self.create(request, by: member, pool)
            let (tokenID, token) = try await pool.inTransaction {
                try await AuthModule().issueTokenWithinTx(
                    $0, userID: member.userID, at: Tenancy.time)
            }
            let again = try await Self.create(
                request,
                by: Tenancy.Person(userID: member.userID, tokenID: tokenID, token: token), pool)
            #expect(again == first)
        }
    }

    @Test("it is authorized anew")
    func authorizedAnew() async throws {
        try await withDatabase { database, pool in
            let request = Self.request(database.tenancy)
            let member = try database.tenancy[.member]
            _ = try await Self.create(request, by: member, pool)
            for (sql, kind) in [
                ("UPDATE workspace_members SET role = 'viewer'", Problem.Kind.permissionDenied),
                ("DELETE FROM workspace_members", .notFound),
                ("UPDATE access_tokens SET revoked_at = now()", .unauthenticated),
            ] {
                try database.run(sql)
                let refused = try await problem {
                    _ = try await Self.create(request, by: member, pool)
                }
                #expect(refused.kind == kind)
            }
        }
    }

    @Test("someone else's same id is another request")
    func otherUser() async throws {
        try await withDatabase { database, pool in
            let request = Self.request(database.tenancy)
            let first = try await Self.create(request, by: try database.tenancy[.member], pool)
            let refused = try await problem {
                _ = try await Self.create(request, by: try database.tenancy[.admin], pool)
            }
            #expect(refused.kind == .alreadyExists)
            #expect(refused.violations.map(\.field) == ["name"])
            let other = Self.request(database.tenancy, name: "other")
            let second = try await Self.create(other, by: try database.tenancy[.admin], pool)
            #expect(second.status.service.id != first.status.service.id)
        }
    }

    @Test("any other field makes it another request, which is refused")
    func otherFields() async throws {
        try await withDatabase { database, pool in
            let tenancy = database.tenancy
            let member = try tenancy[.member]
            let request = Self.request(tenancy)
            _ = try await Self.create(request, by: member, pool)
            let rows = try database.rowsByTable()
            let changes: [(inout CreateDatabaseRequest) -> Void] = [
                { $0.environmentID = tenancy.secondEnvironmentID.description },
                { $0.name = "main db" }, { $0.deployNow = false }, { $0.databaseName = "other" },
                { $0.username = "other" }, { $0.password = SecretText("chosen-chosen") },
            ]
            for change in changes {
                var other = request
                change(&other)
                let refused = try await problem {
                    _ = try await Self.create(other, by: member, pool)
                }
                #expect(refused.kind == .alreadyExists)
                #expect(refused.violations.map(\.field) == ["request_id"])
            }
            // What means the same is the same.
            var same = request
            same.environmentID = same.environmentID.uppercased()
            same.username = " "
            same.password = SecretText("\t")
            _ = try await Self.create(same, by: member, pool)
            let after = try database.rowsByTable()
            #expect(after == rows)
        }
    }

    @Test("when it races with itself, all get one answer and there is one set of rows")
    func race() async throws {
        let database = try await MigratedDatabase.make()
        let before = try database.rowsByTable()
        let answers = try await atOnce(4, database) { pool in
            var answers: [CreatedDatabase] = []
            for number in 0..<10 {
                let request = Self.request(
                    database.tenancy, id: "id \(number)", name: "name \(number)")
                answers.append(
                    try await Self.create(request, by: try database.tenancy[.member], pool))
            }
            return answers
        }
        for number in 0..<10 {
            #expect(Set(answers.map { $0[number].status.service.id }).count == 1)
            #expect(Set(answers.map { $0[number].connectionURI }).count == 1)
            #expect(Set(answers.map { $0[number].deploymentID }).count == 1)
        }
        let added = try database.rowsByTable().merging(before) { $0 - $1 }
            .filter { $0.value != 0 }
        #expect(
            added == [
                "services": 10, "config_entries": 30, "deployments": 10, "audit_events": 10,
                "create_requests": 10, "environment_servers": 1,
            ])
    }

    @Test("when different requests race for one id, one wins and the others are told")
    func raceOfOthers() async throws {
        let database = try await MigratedDatabase.make()
        let names = ["a", "b", "c", "d"]
        let place = Counter()
        let wins = try await atOnce(4, database) { pool in
            let name = names[place.next()]
            var wins = 0
            for number in 0..<10 {
                let request = Self.request(
                    database.tenancy, id: "id \(number)", name: "\(name)\(number)")
                do {
                    _ = try await Self.create(request, by: try database.tenancy[.member], pool)
                    wins += 1
                } catch let problem as Problem where problem.kind == .alreadyExists {
                    #expect(problem.violations.map(\.field) == ["request_id"])
                }
            }
            return wins
        }
        #expect(wins.reduce(0, +) == 10)
        let rows = try database.rowsByTable()
        #expect(rows["services"] == 10)
        #expect(rows["create_requests"] == 10)
    }

    @Test("a request that failed may be repeated until it succeeds")
    func afterFailure() async throws {
        try await withDatabase { database, pool in
            let member = try database.tenancy[.member]
            let taken = try await Self.create(.sample(database.tenancy), by: member, pool)
            let request = Self.request(database.tenancy)
            let refused = try await problem {
                _ = try await Self.create(request, by: member, pool)
            }
            #expect(refused.violations.map(\.field) == ["name"])
            _ = try await Modules(pool).services.deleteService(
                id: taken.status.service.id.description, caller: try member.caller())
            _ = try await Self.create(request, by: member, pool)
        }
    }

    @Test("after 24 hours the id is free again")
    func expires() async throws {
        try await withDatabase { database, pool in
            let member = try database.tenancy[.member]
            let request = Self.request(database.tenancy)
            let first = try await Self.create(request, by: member, pool)
            try database.run(
                "UPDATE create_requests SET created_at = created_at - interval '23 hours 59 minutes'"
            )
            let again = try await Self.create(request, by: member, pool)
            #expect(again == first)
            try database.run(
                "UPDATE create_requests SET created_at = created_at - interval '2 minutes'")
            let other = Self.request(database.tenancy, name: "other")
            let second = try await Self.create(other, by: member, pool)
            #expect(second.status.service.id != first.status.service.id)
            let rows = try database.count("create_requests")
            #expect(rows == 1)
        }
    }

    @Test("a create that takes the place of an expired request changes nothing when it fails")
    func expiredAndFailed() async throws {
        try await withDatabase { database, pool in
            let member = try database.tenancy[.member]
            let request = Self.request(database.tenancy)
            _ = try await Self.create(request, by: member, pool)
            try database.run(
                "UPDATE create_requests SET created_at = created_at - interval '25 hours'")
            let rows = try database.rowsByTable()
            let record = CommitRecord()
            let refused = try await CommitRecord.$current.withValue(record) {
                // The name is still taken.
                try await problem { _ = try await Self.create(request, by: member, pool) }
            }
            #expect(refused.violations.map(\.field) == ["name"])
            #expect(!record.mayHaveCommitted)
            let after = try database.rowsByTable()
            #expect(after == rows)
            #expect(try database.count("create_requests") == 1)
        }
    }

    @Test("a sweep forgets what has expired, in batches, and nothing else")
    func sweep() async throws {
        try await withDatabase { database, pool in
            let member = try database.tenancy[.member]
            _ = try await Self.create(Self.request(database.tenancy), by: member, pool)
            let count = 2 * CreateRequestMemory.sweepBatchMax + 1
            try database.run(
                """
                INSERT INTO create_requests SELECT workspace_id, user_id, 'old ' || n, fingerprint,
                    service_id, deployment_id, created_at - interval '24 hours 1 minute'
                FROM create_requests, generate_series(1, \(count)) AS n
                """)
            let commits = pool.statistics.commits
            let swept = try await Modules(pool).services.sweepCreateRequests()
            #expect(swept == count)
            #expect(pool.statistics.commits - commits == 3)
            let left = try database.run("SELECT request_id FROM create_requests")
            #expect(left == "once")
        }
    }

    @Test("sweeps at once do not wait for each other and forget everything between them")
    func sweepsAtOnce() async throws {
        let database = try await MigratedDatabase.make()
        try await withPool(database.uri) { loop, pool in
            _ = loop
            _ = try await Self.create(
                Self.request(database.tenancy), by: try database.tenancy[.member], pool)
        }
        try database.run(
            """
            INSERT INTO create_requests SELECT workspace_id, user_id, 'old ' || n, fingerprint,
                service_id, deployment_id, created_at - interval '25 hours'
            FROM create_requests, generate_series(1, 3000) AS n
            """)
        let swept = try await atOnce(4, database) { pool in
            try await Modules(pool).services.sweepCreateRequests()
        }
        #expect(swept.reduce(0, +) == 3000)
        #expect(try database.count("create_requests") == 1)
    }
}
