import Auth
import Deployments
import Domain
import PostgresClient
import SQL
import TestSupport
import Testing

@testable import ControlPlane
@testable import Services

/// No password and no token reaches the database in the clear: not its files, not its log.
@Suite struct SecrecyTests {
    /// The ways in which a text could lie in a log or a dump.
    static func disguises(of text: String) -> [String] {
        let bytes = Array(text.utf8)
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return [
            text, PercentEncoding.component(text), hex, hex.uppercased(),
            // As a quoted SQL literal and as a row of COPY would hold it.
            text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"),
            text.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\"),
        ]
    }

    @Test("no password or token is in a dump or in the log of a PostgreSQL that logs everything")
    func nothingInTheClear() async throws {
        let cluster = try TestPostgres(settings: [
            "log_statement = 'all'", "log_min_duration_statement = 0", "log_duration = on",
            "log_parameter_max_length = -1", "log_parameter_max_length_on_error = -1",
            "log_error_verbosity = verbose", "log_min_messages = debug2",
            "log_min_error_statement = debug1", "debug_print_plan = on",
        ])
        let uri = try cluster.freshDatabase()
        let chosen = "Chosen%Pass'word\\:/?#[]@!$&()*+,;="
        let secrets = try await withPool(uri) { loop, pool in
            _ = loop
            return try await Self.useSecrets(pool, chosen: chosen)
        }
        let dump = try Command.run([
            try cluster.run(
                sql: "SELECT setting FROM pg_config() WHERE name = 'BINDIR'", in: "postgres")
                + "/pg_dump", uri,
        ])
        let log = try cluster.logText()
        // What proves that the search would find something.
        for (place, text) in [("the dump", dump), ("the log", log)] {
            #expect(text.contains("chosen_user"), "\(place) holds what is no secret")
            for secret in secrets {
                for disguise in Self.disguises(of: secret) {
                    #expect(!text.contains(disguise), "\(place) holds \(disguise)")
                }
            }
        }
        #expect(log.contains("made to fail"))
        #expect(log.contains("sealing_key_id"))
    }

    /// Everything that handles a secret, well and badly; gives the secrets.
    private static func useSecrets(
        _ pool: ConnectionPool, chosen: String
    ) async throws -> [String] {
        _ = try await Migrator(sessions: pool, migrations: try Migration.all()).migrate()
        try await KeyCheck(sealer: try Modules.sealer()).verify(pool)
        let tenancy = try await Tenancy.insert(pool)
        let modules = try Modules(pool)
        let services = modules.services
        let member = try tenancy[.member]
        let caller = try member.caller()
        var request = CreateDatabaseRequest.sample(tenancy, name: "chosen")
        request.username = "chosen_user"
        request.password = SecretText(chosen)
        request.requestID = "repeated"
        let first = try await services.createDatabase(request, caller: caller)
        let repeated = try await services.createDatabase(request, caller: caller)
        #expect(repeated == first)
        request.requestID = ""
        _ = try await problem { _ = try await services.createDatabase(request, caller: caller) }
        let generated = try await services.createDatabase(
            .sample(tenancy, name: "generated"), caller: caller)
        let revealed = try await services.revealConnection(
            id: generated.status.service.id.description, caller: caller)
        try await deployWithSecrets(
            pool, modules, tenancy,
            [
                first.status.service.id: chosen,
                generated.status.service.id: revealed.password.revealed,
            ])
        try await failWithSecret(pool, services, tenancy, chosen)
        return [
            chosen, revealed.password.revealed, generated.connectionURI.revealed,
            member.token.text.revealed,
        ]
    }

    /// Orders that hold the passwords, and reports that repeat them: of the first deployments, of
    /// deployments anew, of one that fails.
    private static func deployWithSecrets(
        _ pool: ConnectionPool, _ modules: Modules, _ tenancy: Tenancy,
        _ passwords: [ServiceID: String]
    ) async throws {
        let session = AgentSessionID(bytes: [UInt8](repeating: 1, count: 16))
        let server = tenancy.home.serverID
        try await pool.inSession {
            try await $0.executeScript(MigratedDatabase.sessionScript(session, of: server))
        }
        for state in [JobProgress.State.succeeded, .failed] {
            let jobs = try await modules.deployments.claim(
                server: server, session: session, limit: 4
            ).jobs
            #expect(Set(jobs.map(\.serviceID)) == Set(passwords.keys))
            for job in jobs {
                let password = try #require(passwords[job.serviceID])
                guard case .deploy(let order) = job.kind else {
                    Issue.record("no order to deploy: \(job)")
                    continue
                }
                #expect(
                    order.environment.contains { $0.value == .secret(SecretText(password)) },
                    "the order holds it")
                for told in [.verifying, state] {
                    let progress = JobProgress(
                        reference: job.reference, serviceID: job.serviceID, state: told,
                        message: "tried \(password)",
                        failure: told == .failed
                            ? JobFailure(reason: password, hint: "not \(password)") : nil,
                        outcome: told == .succeeded ? .sample : nil)
                    let isRecorded = try await modules.deployments.record(
                        server: server, session: session, progress: progress)
                    #expect(isRecorded)
                }
                if state == .succeeded {
                    _ = try await modules.deployments.redeployService(
                        id: job.serviceID.description, caller: try tenancy[.member].caller())
                }
            }
        }
    }

    /// A create whose every statement PostgreSQL logs because it fails.
    private static func failWithSecret(
        _ pool: ConnectionPool, _ services: ServicesModule, _ tenancy: Tenancy, _ chosen: String
    ) async throws {
        try await pool.inSession {
            try await $0.executeScript(
                CreateDatabaseRollbackTests.Fault(
                    table: "config_entries", condition: "NEW.key = 'POSTGRES_PASSWORD'"
                ).sql)
        }
        var request = CreateDatabaseRequest.sample(tenancy, name: "failing")
        request.password = SecretText(chosen)
        let error = try await postgresError {
            _ = try await services.createDatabase(
                request, caller: try tenancy[.member].caller())
        }
        #expect(!"\(error)".contains(chosen))
    }
}
