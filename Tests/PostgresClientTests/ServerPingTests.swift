import EventLoops
import TestSupport
import Testing

@testable import PostgresClient

/// Whether a PostgreSQL answers, asked without a credential.
@Suite struct ServerPingTests {
    private static func ask(
        _ uri: String, within limit: Duration = .seconds(10)
    ) async throws -> ServerAnswer {
        try await onLoop { _, reactor in
            var configuration = PoolConfiguration(uri: uri)
            configuration.connectDurationMax = limit
            return await ServerPing.ask(
                configuration, reactor: reactor, workers: try sharedWorkers())
        }
    }

    @Test("one that lets us in serves, and so does one that refuses")
    func serves() async throws {
        let postgres = try TestPostgres.shared()
        #expect(try await Self.ask(postgres.uri("postgres")) == .serves)
        #expect(try await Self.ask(postgres.uri("nowhere")) == .serves)
    }

    @Test("nobody at an address is silence, and so is one who listens and says nothing")
    func silent() async throws {
        let port = try HeldPort()
        // Bound, and nobody listens.
        guard case .silent(let refused) = try await Self.ask(port.uri()) else {
            Issue.record("answered")
            return
        }
        #expect(refused.contains("refused"), "\(refused)")
        try port.listen()
        guard case .silent(let words) = try await Self.ask(port.uri(), within: .milliseconds(300))
        else {
            Issue.record("answered")
            return
        }
        #expect(words.contains("no connection within"), "\(words)")
    }

    @Test(
        "what PostgreSQL says tells whether it serves",
        arguments: [
            ("57P03", ServerAnswer.starting("words")), ("53300", .serves), ("28P01", .serves),
            ("3D000", .serves), (nil, .silent("words")),
        ] as [(String?, ServerAnswer)])
    func words(sqlState: String?, answer: ServerAnswer) {
        var error = PostgresError(
            .connectionFailed, function: "PQconnectPoll", message: "words", sqlState: sqlState)
        #expect(ServerPing.answer(of: error) == answer)
        error.wantsPassword = true
        #expect(ServerPing.answer(of: error) == .serves)
    }
}
