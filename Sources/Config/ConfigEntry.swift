public import Domain

/// A variable or a secret, scoped to a service or an environment.
public struct ConfigEntry: Hashable, Sendable {
    /// What an entry is about.
    public enum Scope: Hashable, Sendable {
        /// One service.
        case service(ServiceID)
        /// Every service of an environment.
        case environment(EnvironmentID)
    }

    /// What an entry holds, as it is stored.
    public enum Content: Hashable, Sendable {
        /// Text that everyone who may see the scope may see.
        case variable(String)
        /// Bytes that only the key of that id opens.
        case secret(SealedSecret)
    }

    /// Names the entry.
    public let id: ConfigEntryID
    /// What it is about.
    public let scope: Scope
    /// The environment variable's name.
    public let key: String
    /// What it holds.
    public let content: Content
    /// When it was first written.
    public let createdAt: Timestamp
    /// When it was last written.
    public let updatedAt: Timestamp
}

/// A secret as it is stored.
public struct SealedSecret: Hashable, Sendable {
    /// Which master key sealed it.
    public let keyID: String
    /// Nonce, ciphertext and tag.
    public let bytes: [UInt8]

    /// Makes a sealed secret from its parts.
    public init(keyID: String, bytes: [UInt8]) {
        self.keyID = keyID
        self.bytes = bytes
    }
}
