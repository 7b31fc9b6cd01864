/// What a use case knows of the call that it serves.
public struct CallerContext: Hashable, Sendable {
    /// What the caller showed.
    public let credential: Credential
    /// The id of this call, which the log and an error's details also hold.
    public let callID: String

    /// Makes a context.
    public init(credential: Credential, callID: String) {
        self.credential = credential
        self.callID = callID
    }
}
