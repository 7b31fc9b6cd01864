import Auth
import BerthMessages
import Domain
import Messages
import RPC

/// Bounds the calls of one token that run at once on one loop, so that no caller starves the others.
///
/// A token that is none counts like any other, by itself. What comes without one is refused at once, or
/// answered from memory, or a stream that ``AnonymousStreams`` bounds; but registering an agent works in
/// PostgreSQL, so it is bounded here.
final class TokenCallLimit {
    private let callsMax: Int
    private let registrationsMax: Int
    private var running: [Credential: Int] = [:]
    private var registrations = 0
    private let registering = AgentV1.AgentServiceMethods.register.path

    init(_ quotas: ServeConfiguration.Quotas) {
        callsMax = quotas.callsPerTokenMax
        registrationsMax = quotas.registrationsMax
    }

    /// Counts calls that carry a credential, and registrations, whatever credential those carry: nobody
    /// looks at it.
    var observer: CallObserver {
        CallObserver(
            begins: { context in
                if context.methodPath == self.registering { return try self.beginRegistration() }
                if let credential = self.counted(context) { try self.enter(credential) }
            },
            ends: { context, _ in
                if context.methodPath == self.registering {
                    self.registrations -= 1
                } else if let credential = context[CredentialKey.self] {
                    self.leave(credential)
                }
            })
    }

    /// The credential that a call is counted by; nil for one without, and for a malformed one, which is
    /// refused by whatever needs it.
    private func counted(_ context: CallContext) -> Credential? {
        guard context.metadata.firstBytes("authorization") != nil else { return nil }
        return try? credential(of: context)
    }

    private func beginRegistration() throws {
        guard registrations < registrationsMax else {
            throw Problem(
                .resourceExhausted,
                "\(registrationsMax) registrations run already (registrations_max); try again later"
            )
        }
        registrations += 1
    }

    private func enter(_ credential: Credential) throws {
        let count = running[credential, default: 0]
        guard count < callsMax else {
            throw Problem(
                .resourceExhausted,
                "\(callsMax) calls of this token run already, its quota (calls_per_token_max)")
        }
        running[credential] = count + 1
    }

    private func leave(_ credential: Credential) {
        let count = running[credential, default: 1]
        running[credential] = count > 1 ? count - 1 : nil
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
