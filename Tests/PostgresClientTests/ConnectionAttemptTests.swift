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
        try await onLoop { loop, reactor in
            let port = try HeldPort()
            try port.listen()
            let pool = try ConnectionPool(
                reactor: reactor, workers: try sharedWorkers(),
                configuration: PoolConfiguration(uri: port.uri(password: "not-to-be-kept")))
            let caller = begin(on: loop) { try await pool.ping() }
            try await eventually(reactor) { !pool.attempts.isEmpty }
            let attempt = Weak(pool.attempts.first)
            await pool.close()
            let error = try await postgresError { try await caller.value }
            #expect(error.kind == .closed)
            // The timer by which it would have begun is through by then.
            try await eventually(reactor) { attempt.value == nil }
        }
    }

    @Test("who asks for a connection and has not begun to wait hears of the close at once")
    func closedBeforeTheWait() async throws {
        try await onLoop { loop, reactor in
            let port = try HeldPort()
            try port.listen()
            let pool = try ConnectionPool(
                reactor: reactor, workers: try sharedWorkers(),
                configuration: PoolConfiguration(uri: port.uri()))
            let began = Instant.now()
            let caller = begin(on: loop) { try await pool.ping() }
            await pool.close()
            let error = try await postgresError { try await caller.value }
            #expect(error.kind == .closed)
            #expect(began.duration(to: .now()) < pool.configuration.waitDurationMax)
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
                let attempt = Weak(nil)
                // Turn by turn, for it is soon over.
                let end = Instant.now().advanced(by: longest)
                while attempt.value == nil, Instant.now() < end {
                    attempt.value = pool.attempts.first
                    try await reactor.sleep(for: .zero)
                }
                #expect(attempt.value != nil)
                _ = await caller.result
                await pool.close()
                try await eventually(reactor) { attempt.value == nil }
            }
        }
    }
}
