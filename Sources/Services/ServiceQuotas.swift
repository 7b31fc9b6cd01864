/// How much of Berth one tenant may use.
public struct ServiceQuotas: Hashable, Sendable {
    /// The undeleted services of one workspace.
    public let servicesPerWorkspaceMax: Int32

    /// Sets the quotas.
    public init(servicesPerWorkspaceMax: Int32 = 1000) {
        self.servicesPerWorkspaceMax = servicesPerWorkspaceMax
    }
}
