/// A config entry about to be written: an environment variable's name and what it holds.
public struct ConfigEntryDraft: Hashable, Sendable {
    /// What an entry holds.
    public enum Value: Hashable, Sendable {
        /// Readable by everyone who may see the service.
        case variable(String)
        /// Sealed before it reaches any statement.
        case secret(SecretText)
    }

    /// The variable's name, such as `POSTGRES_DB`.
    public let key: String
    /// What it holds.
    public let value: Value

    /// Makes a draft.
    public init(key: String, value: Value) {
        self.key = key
        self.value = value
    }
}
