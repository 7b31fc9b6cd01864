import TestSupport

/// What most tests share: one installation, one server, and people of every kind.
///
/// Tests use names of their own in it, or an environment of their own.
struct Stage: Sendable {
    let installation: Installation
    let server: Berthd
    let neighbour: Installation.Neighbour
    let member: String
    let viewer: String
    let admin: String

    /// Made by the first who asks.
    static func shared() throws -> Stage { try sharedResult.get() }
    private static let sharedResult = Result { try Stage() }

    private init() throws {
        installation = try Installation()
        server = try Berthd(installation.options)
        neighbour = try installation.addNeighbour()
        member = try installation.addPerson(role: "member")
        viewer = try installation.addPerson(role: "viewer")
        admin = try installation.addPerson(role: "admin")
    }

    /// A create request that is in order, in the installation's environment.
    func createRequest(_ name: String, deployNow: Bool = true) -> JSON {
        [
            "environmentId": .string(installation.environmentID), "name": .string(name),
            "templateId": "postgres",
            "serverId": .string(deployNow ? installation.serverID : ""),
            "deployNow": .bool(deployNow),
        ]
    }

    /// A name that no other test uses.
    static func uniqueName() -> String { "s" + String.random(of: 20).lowercased() }
}
