import Domain
public import PostgresClient

/// Who may do what, where.
public struct PolicyModule {
    /// Decides by role.
    public let authorizer: RoleAuthorizer

    /// Assembles the module.
    public init(
        sessions: any SessionRunner, store: any StandingStore = PostgresStandingStore()
    ) {
        authorizer = RoleAuthorizer(sessions: sessions, store: store)
    }
}
