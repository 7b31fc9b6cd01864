import EventLoops
import TestSupport
import Testing

@testable import PostgresClient

@Suite struct ConnectionAttemptTests {
    final class Weak {
        weak var value: ConnectionAttempt?
        init(_ value: ConnectionAttempt?) { self.value = value }
    }

    @Test("a pool that is closed while it connects keeps nothing of the attempt, password included")
    func abandoned() async throws {
        let uri = try TestPostgres.freshDatabase() + "&password=not-to-be-kept"
        try await onLoop { loop, reactor in
            let pool = try ConnectionPool(
                reactor: reactor, workers: try sharedWorkers(),
                configuration: PoolConfiguration(uri: uri))
            let caller = begin(on: loop) { try await pool.ping() }
            let attempt = Weak(pool.attempts.first)
            #expect(attempt.value != nil)
            await pool.close()
            let error = try await postgresError { try await caller.value }
            #expect(error.kind == .closed)
            // The timer by which it would have begun is through by then.
            try await eventually(reactor) { attempt.value == nil }
        }
    }

    @Test("an attempt that ended, well or not, is kept by nobody")
    func ended() async throws {
        let uris = [try TestPostgres.freshDatabase(), try TestPostgres.shared().uri("nowhere")]
        try await onLoop { loop, reactor in
            for uri in uris {
                let pool = try ConnectionPool(
                    reactor: reactor, workers: try sharedWorkers(),
                    configuration: PoolConfiguration(uri: uri))
                let caller = begin(on: loop) { try await pool.ping() }
                let attempt = Weak(pool.attempts.first)
                #expect(attempt.value != nil)
                _ = await caller.result
                await pool.close()
                try await eventually(reactor) { attempt.value == nil }
            }
        }
    }
}
