import Auth
import Domain
import RPC

/// Bounds the calls of one token that run at once on one loop, so that no caller starves the others.
final class TokenCallLimit {
    private let max: Int
    private var running: [Credential: Int] = [:]

    init(max: Int) { self.max = max }

    /// Counts calls that carry a credential; others need none and cost little.
    var interceptor: Interceptor {
        // No capture list: with one, Swift 6.3 runs an async closure off its caller's isolation, and
        // every await inside would hop between the loop and nowhere.
        { context, proceed in try await self.run(context, proceed) }
    }

    private func run(
        _ context: CallContext, _ proceed: (CallContext) async throws -> Void
    ) async throws {
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

    private func enter(_ credential: Credential) throws {
        let count = running[credential, default: 0]
        guard count < max else {
            throw Problem(
                .resourceExhausted,
                "\(max) calls of this token run already, its quota (calls_per_token_max)")
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
