public import Domain

/// Reads the output of services' containers, wherever their agents' streams are.
public protocol LogTails {
    /// Begins to read the output of a service's container.
    ///
    /// - Parameters:
    ///   - secrets: What is replaced in every line before anyone sees it.
    ///   - tailLines: How many lines from the end to begin with.
    ///   - follow: Whether to go on with what is written from then on.
    /// - Throws: `Problem`: `unavailable` when the server's agent is away, `failedPrecondition` when
    ///   there is no container.
    func tail(
        serviceID: ServiceID, serverID: ServerID, secrets: [SecretText], tailLines: Int32,
        follow: Bool
    ) async throws -> any LogTail
}
