public import Domain

/// What a caller asks for, as it came: ids unparsed, texts unchecked.
public struct CreateDatabaseRequest: Sendable {
    /// Where the service shall live.
    public var environmentID: String
    /// The service's name, which makes its slug.
    public var name: String
    /// A template of the catalogue.
    public var templateID: String
    /// Where it shall run; required to deploy now.
    public var serverID: String
    /// Whether to queue a deployment at once.
    public var deployNow: Bool
    /// The caller's own id of the request; may be empty.
    public var requestID: String
    /// The database's name; blank for the template's.
    public var databaseName: String
    /// The user's name; blank for the template's.
    public var username: String
    /// The password; blank to have one generated.
    public var password: SecretText

    /// Makes a request.
    public init(
        environmentID: String, name: String, templateID: String, serverID: String = "",
        deployNow: Bool = false, requestID: String = "", databaseName: String = "",
        username: String = "", password: SecretText = SecretText("")
    ) {
        self.environmentID = environmentID
        self.name = name
        self.templateID = templateID
        self.serverID = serverID
        self.deployNow = deployNow
        self.requestID = requestID
        self.databaseName = databaseName
        self.username = username
        self.password = password
    }
}

/// What a create call made.
public struct CreatedDatabase: Hashable, Sendable {
    /// The service and its state.
    public let status: ServiceStatus
    /// The first deployment; `nil` when none was asked for.
    public let deploymentID: DeploymentID?
    /// How its siblings reach it.
    public let connectionURI: SecretText
}
