public import Domain
public import PostgresClient

/// Who may do what, where.
public struct PolicyModule {
    /// Decides by role.
    public let authorizer: RoleAuthorizer

    /// Assembles the module.
    ///
    /// - Parameter witness: Hears of each credential that is someone's.
    public init(
        sessions: any SessionRunner, store: any StandingStore = PostgresStandingStore(),
        witness: (any CredentialWitness)? = nil
    ) {
        authorizer = RoleAuthorizer(sessions: sessions, store: store, witness: witness)
    }
}
