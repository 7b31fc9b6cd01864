import Cryptography
public import Domain
import PostgresClient

/// Makes a caller the agent of the server that a one-time token was minted for.
///
/// Attempts are not limited: a token has 256 random bits.
public struct RegisterAgent {
    let transactions: any TransactionRunner
    let store: any AgentStore
    let audit: any AuditRecorder
    let clock: any WallClock
    /// What the agent pins.
    let controlPlanePublicKey: [UInt8]

    /// What a caller becomes.
    public struct Registered: Sendable {
        /// The server that the agent now acts for.
        public let serverID: ServerID
        /// The server's name.
        public let serverName: String
        /// What the agent shows from now on.
        public let credential: SecretText
        /// The key whose jobs the agent obeys.
        public let controlPlanePublicKey: [UInt8]
    }

    /// Takes the token back, stores the agent's key, and gives it a credential. What the server's
    /// earlier agent had is worth nothing from then on, its stream included.
    ///
    /// - Throws: ``Problem``: `invalidArgument`, `unauthenticated`.
    public func callAsFunction(
        token: SecretText, publicKey: [UInt8], agentVersion: String, callID: String
    ) async throws -> Registered {
        var violations = FieldViolations()
        if token.revealed.isEmpty { violations.add("registration_token", "is required") }
        if publicKey.count != VerificationKey.byteCount {
            violations.add(
                "public_key", "must be an Ed25519 key: \(VerificationKey.byteCount) bytes")
        }
        try violations.throwIfAny()
        let credential = try AgentSecret.generate(prefix: AgentSecret.credentialPrefix)
        let agent = NewAgent(
            credentialHash: try credential.hash(), publicKey: publicKey,
            version: PlainText.line(of: agentVersion, lengthMax: HostFacts.textBytesMax),
            at: clock.now())
        let tokenHash = try AgentSecret(text: token).hash()
        return try await transactions.inTransaction { tx in
            guard let server = try await store.takeTokenWithinTx(tx, hash: tokenHash) else {
                throw Problem(
                    .unauthenticated, "the registration token is unknown, used or expired")
            }
            try await store.replaceWithinTx(tx, agent, of: server.id)
            try await audit.recordWithinTx(
                tx,
                AuditEntry(
                    action: "server.register_agent", server: server.id,
                    workspaceID: server.workspaceID, callID: callID,
                    detail: "agent \(agent.version)", at: agent.at))
            tx.notifyAfterCommit(
                AgentSessionNotice.channel,
                AgentSessionNotice(change: .began, serverID: server.id, sessionID: nil).payload)
            return Registered(
                serverID: server.id, serverName: server.name, credential: credential.text,
                controlPlanePublicKey: controlPlanePublicKey)
        }
    }
}
