import Auth
import BerthMessages
import Domain
import EventLoops
import Messages
import PostgresClient
import RPC
import TestSupport
import Testing

@testable import ControlPlane

/// How many calls of one token run at once.
@Suite struct TokenCallLimitTests {
    private struct Failed: Error {}

    /// Calls under the limit, each held until the test lets it end.
    private final class Calls {
        let reactor: Reactor
        let limit: TokenCallLimit
        let observer: CallObserver
        /// Calls that were let through and have not ended.
        var running = 0
        /// How those that ended did so.
        var ended: [String] = []
        var isReleased = false

        init(_ reactor: Reactor, max: Int, registrationsMax: Int = 16, unverifiedMax: Int = 128) {
            self.reactor = reactor
            var quotas = ServeConfiguration.Quotas()
            quotas.callsPerTokenMax = max
            quotas.registrationsMax = registrationsMax
            quotas.unverifiedCallsMax = unverifiedMax
            limit = TokenCallLimit(quotas)
            observer = limit.observer
        }

        @discardableResult
        func begin(
            _ token: String?, path: String = "/test.Service/Method", failing: Bool = false
        ) -> BegunTask {
            var metadata = Metadata()
            if let token { metadata.append("authorization", "Bearer \(token)") }
            let context = CallContext(methodPath: path, metadata: metadata)
            return reactor.begin { await self.run(context, failing) }
        }

        private func run(_ context: CallContext, _ failing: Bool) async {
            do {
                try observer.begins(context)
                running += 1
                defer {
                    running -= 1
                    observer.ends(context, nil)
                }
                while !isReleased { try await reactor.sleep(for: .milliseconds(1)) }
                if failing { throw Failed() }
                ended.append("ok")
            } catch let problem as Problem {
                ended.append("\(problem.kind): \(problem.message)")
            } catch {
                ended.append("\(type(of: error))")
            }
        }

        /// Waits until so many calls run and so many have ended.
        func settle(running: Int, ended: Int) async throws {
            for _ in 0..<5000 where self.running != running || self.ended.count != ended {
                try await reactor.sleep(for: .milliseconds(2))
            }
            #expect(self.running == running)
            #expect(self.ended.count == ended, "\(self.ended)")
        }
    }

    /// A token of the right form.
    private static func token() throws -> String { try AccessToken.generate().text.revealed }

    @Test("beyond the limit a token's calls are refused by its name; other tokens' calls run")
    func refuses() async throws {
        let (one, other) = (try Self.token(), try Self.token())
        try await onLoop { _, reactor in
            let calls = Calls(reactor, max: 2)
            for _ in 0..<3 { calls.begin(one) }
            try await calls.settle(running: 2, ended: 1)
            #expect(
                calls.ended == [
                    "resourceExhausted: 2 calls of this token run already on this event loop, "
                        + "its quota (calls_per_token_max)"
                ])
            calls.begin(other)
            // Those without any, or with what is none, are someone else's to refuse.
            calls.begin(nil)
            calls.begin("x")
            try await calls.settle(running: 5, ended: 1)
            calls.isReleased = true
            try await calls.settle(running: 0, ended: 6)
            #expect(calls.ended.dropFirst().allSatisfy { $0 == "ok" })
        }
    }

    @Test("a call that ends makes room, by an error and by a cancel too")
    func makesRoom() async throws {
        let token = try Self.token()
        try await onLoop { _, reactor in
            let calls = Calls(reactor, max: 1)
            calls.isReleased = true
            calls.begin(token, failing: true)
            try await calls.settle(running: 0, ended: 1)
            #expect(calls.ended.last == "Failed")
            calls.isReleased = false
            let cancelled = calls.begin(token)
            try await calls.settle(running: 1, ended: 1)
            cancelled.cancel()
            try await calls.settle(running: 0, ended: 2)
            #expect(calls.ended.last == "CancellationError")
            calls.begin(token)
            try await calls.settle(running: 1, ended: 2)
            calls.isReleased = true
            try await calls.settle(running: 0, ended: 3)
            #expect(calls.ended.last == "ok")
        }
    }

    @Test("registrations have a limit of their own, whatever token they show")
    func registrations() async throws {
        let tokens = [nil, try Self.token(), try Self.token()]
        try await onLoop { _, reactor in
            let calls = Calls(reactor, max: 5, registrationsMax: 2)
            let path = AgentV1.AgentServiceMethods.register.path
            for token in tokens { calls.begin(token, path: path) }
            try await calls.settle(running: 2, ended: 1)
            #expect(calls.ended.first?.contains("registrations_max") == true)
            calls.isReleased = true
            try await calls.settle(running: 0, ended: 3)
            calls.begin(nil, path: path)
            try await calls.settle(running: 0, ended: 4)
            #expect(calls.ended.last == "ok")
        }
    }

    @Test(
        "tokens that nobody has verified share a limit; one that is verified leaves it, for later calls too"
    )
    func unverified() async throws {
        let tokens = try (0..<4).map { _ in try Self.token() }
        try await onLoop { _, reactor in
            let calls = Calls(reactor, max: 5, unverifiedMax: 2)
            let path = BerthV1.ServiceServiceMethods.getService.path
            calls.begin(tokens[0], path: path)
            calls.begin(tokens[1], path: path)
            calls.begin(tokens[2], path: path)
            try await calls.settle(running: 2, ended: 1)
            #expect(calls.ended.first?.contains("(unverified_calls_max)") == true)
            // What asks nobody whose token it is does not count.
            calls.begin(tokens[2], path: "/grpc.health.v1.Health/Check")
            calls.begin(tokens[2], path: AgentV1.AgentServiceMethods.connect.path)
            try await calls.settle(running: 4, ended: 1)
            calls.limit.verified(try Self.credential(tokens[0]))
            calls.begin(tokens[0], path: path)
            calls.begin(tokens[2], path: path)
            try await calls.settle(running: 6, ended: 1)
            calls.begin(tokens[3], path: path)
            try await calls.settle(running: 6, ended: 2)
            calls.isReleased = true
            try await calls.settle(running: 0, ended: 8)
            // Every place was given back, and none twice.
            calls.isReleased = false
            for token in tokens { calls.begin(token, path: path) }
            try await calls.settle(running: 3, ended: 9)
            calls.isReleased = true
            try await calls.settle(running: 0, ended: 12)
        }
    }

    private static func credential(_ token: String) throws -> Credential {
        try BearerCredential.parse("Bearer \(token)")
    }

    @Test("tokens are remembered for a while, and not more than so many")
    func forgets() {
        let tokens = (0..<7).map { Credential(tokenHash: Array(repeating: $0, count: 32)) }
        var known = KnownTokens(generationMax: 2)
        let isNews = tokens[..<5].map { known.insert($0) }
        #expect(isNews == [true, true, true, true, true])
        #expect(tokens.map(known.contains) == [false, false, true, true, true, false, false])
        // Seen again before it is forgotten: it stays as long as a new one.
        let again = [4, 2, 5, 6].map { known.insert(tokens[$0]) }
        #expect(again == [false, true, true, true])
        #expect(tokens.map(known.contains) == [false, false, true, false, true, true, true])
    }

    @Test("no token, and no crowd of invented ones, fills the queue for PostgreSQL")
    func wellBelowTheQueue() {
        let quotas = ServeConfiguration.Quotas()
        let waitersMax = PoolConfiguration(uri: "").waitersMax
        #expect(4 * quotas.callsPerTokenMax <= waitersMax)
        #expect(4 * quotas.registrationsMax <= waitersMax)
        #expect(2 * quotas.unverifiedCallsMax <= waitersMax)
    }
}
