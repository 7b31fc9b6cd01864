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

    /// Counts calls that carry a credential, and registrations.
    var interceptor: Interceptor {
        // No capture list: with one, Swift 6.3 runs an async closure off its caller's isolation, and
        // every await inside would hop between the loop and nowhere.
        { context, proceed in try await self.run(context, proceed) }
    }

    private func run(
        _ context: CallContext, _ proceed: (CallContext) async throws -> Void
    ) async throws {
        if context.methodPath == registering { return try await register(context, proceed) }
        guard context.metadata.firstBytes("authorization") != nil else {
            return try await proceed(context)
        }
        // A malformed one is refused by whatever needs it.
        guard let credential = try? credential(of: context) else {
            return try await proceed(context)
        }
        try enter(credential)
        defer { leave(credential) }
        try await proceed(context)
    }

    /// Whatever credential it carries: nobody looks at it.
    private func register(
        _ context: CallContext, _ proceed: (CallContext) async throws -> Void
    ) async throws {
        guard registrations < registrationsMax else {
            throw Problem(
                .resourceExhausted,
                "\(registrationsMax) registrations run already (registrations_max); try again later"
            )
        }
        registrations += 1
        defer { registrations -= 1 }
        try await proceed(context)
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
