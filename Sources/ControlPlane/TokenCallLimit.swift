import Auth
import BerthMessages
import Domain
import Messages
import RPC

/// Bounds the calls that run at once on one loop, so that no caller starves the others: those of each
/// token, and all of those whose tokens nobody has verified yet, which anyone can invent.
///
/// A token that is none counts like any other, by itself. What comes without one is refused at once, or
/// answered from memory, or a stream that ``AnonymousStreams`` bounds; but registering an agent works in
/// PostgreSQL, so it is bounded here. Agents' streams that have not said hello are bounded by
/// `AgentLimits.hellosMax`.
final class TokenCallLimit: CredentialWitness {
    /// What runs with one token.
    private struct Running {
        var calls = 0
        /// Those among them that count as unverified.
        var unverified = 0
    }

    private let quotas: ServeConfiguration.Quotas
    private var running: [Credential: Running] = [:]
    private var known = KnownTokens(generationMax: 4096)
    /// The sum of ``Running/unverified``.
    private var unverified = 0
    private var registrations = 0
    private let registering = AgentV1.AgentServiceMethods.register.path

    init(_ quotas: ServeConfiguration.Quotas) { self.quotas = quotas }

    /// Counts calls that carry a credential, and registrations, whatever credential those carry: nobody
    /// looks at it.
    var observer: CallObserver {
        CallObserver(
            begins: { context in
                if context.methodPath == self.registering { return try self.beginRegistration() }
                if let credential = self.counted(context) {
                    try self.enter(credential, asks: TokenCallLimit.asks(context.methodPath))
                }
            },
            ends: { context, _ in
                if context.methodPath == self.registering {
                    self.registrations -= 1
                } else if let credential = context[CredentialKey.self] {
                    self.leave(credential, asks: TokenCallLimit.asks(context.methodPath))
                }
            })
    }

    /// Has methods that need a credential refuse a call without one as soon as its header section is
    /// there, before anything of its request is taken.
    static func admit(on router: Router) {
        let registering = AgentV1.AgentServiceMethods.register.path
        router.admit(where: { $0.hasPrefix("/berth.") && $0 != registering }) { call in
            _ = try credential(of: call)
        }
    }

    /// The token's calls count among its own alone, those that run and those to come.
    func verified(_ credential: Credential) {
        guard known.insert(credential), let released = running[credential]?.unverified, released > 0
        else { return }
        running[credential]?.unverified = 0
        unverified -= released
    }

    /// Whether a method asks PostgreSQL at once whose token it is.
    private static func asks(_ methodPath: String) -> Bool {
        methodPath.hasPrefix("/berth.") && methodPath != AgentV1.AgentServiceMethods.connect.path
    }

    /// The credential that a call is counted by; nil for one without, and for a malformed one, which is
    /// refused by whatever needs it.
    private func counted(_ context: CallContext) -> Credential? {
        guard context.metadata.firstBytes("authorization") != nil else { return nil }
        return try? credential(of: context)
    }

    private func beginRegistration() throws {
        guard registrations < quotas.registrationsMax else {
            throw Problem(
                .resourceExhausted,
                "\(quotas.registrationsMax) registrations run already on this event loop "
                    + "(registrations_max); try again later")
        }
        registrations += 1
    }

    private func enter(_ credential: Credential, asks: Bool) throws {
        var entry = running[credential] ?? Running()
        guard entry.calls < quotas.callsPerTokenMax else {
            throw Problem(
                .resourceExhausted,
                "\(quotas.callsPerTokenMax) calls of this token run already on this event loop, "
                    + "its quota (calls_per_token_max)")
        }
        if asks, !known.contains(credential) {
            guard unverified < quotas.unverifiedCallsMax else {
                throw Problem(
                    .resourceExhausted,
                    "\(quotas.unverifiedCallsMax) calls of tokens that are not verified yet run "
                        + "already on this event loop (unverified_calls_max); try again later")
            }
            unverified += 1
            entry.unverified += 1
        }
        entry.calls += 1
        running[credential] = entry
    }

    private func leave(_ credential: Credential, asks: Bool) {
        guard var entry = running[credential] else { return }
        if asks, entry.unverified > 0 {
            entry.unverified -= 1
            unverified -= 1
        }
        entry.calls -= 1
        running[credential] = entry.calls > 0 ? entry : nil
    }
}

/// The credential that a call carries, hashed once a call.
///
/// - Throws: `Problem` of kind `unauthenticated`.
func credential(of call: CallContext) throws -> Credential {
    if let known = call[CredentialKey.self] { return known }
    let credential = try BearerCredential.parse(call.metadata["authorization"])
    call[CredentialKey.self] = credential
    return credential
}

private enum CredentialKey: CallContextKey {
    typealias Value = Credential
}
