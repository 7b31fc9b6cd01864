import Agents
import Auth
import Domain
import PostgresClient
import Workspaces

/// Two workspaces that must never see each other: the first with a user of each role, the second
/// with its own owner, who is the stranger.
struct Tenancy: Sendable {
    /// A user with a live token.
    struct Person: Sendable {
        let userID: UserID
        let tokenID: AccessTokenID
        let token: AccessToken

        func caller(callID: String = "test-call") throws -> CallerContext {
            CallerContext(credential: try token.credential(), callID: callID)
        }
    }

    /// A workspace and one of each thing in it.
    struct Place: Sendable {
        let workspaceID: WorkspaceID
        let projectID: ProjectID
        let environmentID: EnvironmentID
        let serverID: ServerID
    }

    let home: Place
    /// A second environment of the first workspace's project.
    let secondEnvironmentID: EnvironmentID
    let foreign: Place
    let members: [Role: Person]
    let stranger: Person

    /// The member of the first workspace with that role.
    subscript(_ role: Role) -> Person {
        get throws {
            guard let person = members[role] else { throw NoSuchPerson() }
            return person
        }
    }

    struct NoSuchPerson: Error {}

    static let time = Timestamp(microsecondsSince1970: 1_790_000_000_000_000)

    static func insert(_ transactions: any TransactionRunner) async throws -> Tenancy {
        try await transactions.inTransaction { tx in
            let home = try await place(tx, "home")
            let foreign = try await place(tx, "foreign")
            var members: [Role: Person] = [:]
            for role in Role.allCases {
                let person = try await person(tx, role.rawValue)
                try await WorkspacesModule().addMemberWithinTx(
                    tx, userID: person.userID, role: role, to: home.workspaceID, at: time)
                members[role] = person
            }
            let stranger = try await person(tx, "stranger")
            try await WorkspacesModule().addMemberWithinTx(
                tx, userID: stranger.userID, role: .owner, to: foreign.workspaceID, at: time)
            let second = try await WorkspacesModule().addEnvironmentWithinTx(
                tx, name: "second", to: home.projectID, of: home.workspaceID, at: time)
            return Tenancy(
                home: home, secondEnvironmentID: second, foreign: foreign, members: members,
                stranger: stranger)
        }
    }

    /// Adds a user with a token.
    static func person(_ tx: Transaction, _ name: String) async throws -> Person {
        let userID = try await AuthModule().addUserWithinTx(tx, name: name, at: time)
        let (tokenID, token) = try await AuthModule().issueTokenWithinTx(
            tx, userID: userID, at: time)
        return Person(userID: userID, tokenID: tokenID, token: token)
    }

    private static func place(_ tx: Transaction, _ name: String) async throws -> Place {
        let workspaces = WorkspacesModule()
        let workspaceID = try await workspaces.addWorkspaceWithinTx(tx, name: name, at: time)
        let projectID = try await workspaces.addProjectWithinTx(
            tx, name: name, to: workspaceID, at: time)
        return Place(
            workspaceID: workspaceID, projectID: projectID,
            environmentID: try await workspaces.addEnvironmentWithinTx(
                tx, name: name, to: projectID, of: workspaceID, at: time),
            serverID: try await ServerRegistrar().addServerWithinTx(
                tx, name: name, to: workspaceID, at: time))
    }
}
