import Foundation
import TestSupport

/// A Berth of its own: database, master key, and what `berthd bootstrap` made.
final class Installation: Sendable {
    let cluster: TestPostgres
    /// The database's name in the cluster.
    let database: String
    let options: Berthd.Options
    /// What `bootstrap --json` printed.
    let bootstrap: JSON

    init(in cluster: TestPostgres? = nil) throws {
        self.cluster = try cluster ?? TestPostgres.shared()
        let folder = try Folder()
        let url = try self.cluster.freshDatabase()
        guard let name = URL(string: url)?.lastPathComponent else {
            throw ChildProcess.Failed(description: url)
        }
        database = name
        options = Berthd.Options(
            databaseURL: url, keyFile: folder.file("master.key"), folder: folder)
        try Installation.succeed(["keygen", "--out", options.keyFile], options)
        try Installation.succeed(["migrate"], options)
        bootstrap = try JSON(parsing: Installation.succeed(["bootstrap", "--json"], options))
    }

    /// Runs a command that must end with 0 and gives what it printed.
    @discardableResult
    static func succeed(_ arguments: [String], _ options: Berthd.Options) throws -> String {
        let finished = try Berthd.run(arguments, environment: options.environment)
        guard finished.exitCode == 0 else {
            throw ChildProcess.Failed(description: "\(arguments): \(finished.standardError)")
        }
        return finished.standardOutput
    }

    var ownerToken: String { bootstrap["token"].string }
    var workspaceID: String { bootstrap["workspace_id"].string }
    var projectID: String { bootstrap["project_id"].string }
    var environmentID: String { bootstrap["environment_id"].string }
    var serverID: String { bootstrap["server_id"].string }

    /// Runs SQL text as an administrator would; rows as lines, columns parted by `|`.
    @discardableResult
    func run(sql: String) throws -> String { try cluster.run(sql: sql, in: database) }

    // MARK: What no call makes so far

    /// Adds a user with a role in a workspace, or in none, and gives the user's token.
    func addPerson(role: String?, workspaceID: String? = nil) throws -> String {
        let token = "berth_" + String.random(of: 43)
        let user = UUID().uuidString.lowercased()
        var sql = """
            INSERT INTO users (id, name, created_at) VALUES ('\(user)', 'someone', now());
            INSERT INTO access_tokens (id, user_id, token_hash, created_at)
            VALUES (gen_random_uuid(), '\(user)', sha256('\(token)'), now());
            """
        if let role {
            sql += """
                INSERT INTO workspace_members (workspace_id, user_id, role, created_at)
                VALUES ('\(workspaceID ?? self.workspaceID)', '\(user)', '\(role)', now());
                """
        }
        try run(sql: sql)
        return token
    }

    /// Adds an environment to the project.
    func addEnvironment() throws -> String {
        try run(
            sql: """
                INSERT INTO environments (id, project_id, workspace_id, name, created_at)
                VALUES (gen_random_uuid(), '\(projectID)', '\(workspaceID)', 'another', now())
                RETURNING id
                """)
    }

    /// A second workspace with one of each thing.
    struct Neighbour: Sendable {
        let workspaceID: String
        let projectID: String
        let environmentID: String
        let serverID: String
        /// Of its owner.
        let token: String
    }

    /// Adds a workspace with a project, an environment, a server and an owner.
    func addNeighbour() throws -> Neighbour {
        let ids = (0..<4).map { _ in UUID().uuidString.lowercased() }
        try run(
            sql: """
                INSERT INTO workspaces (id, name, created_at) VALUES ('\(ids[0])', 'next', now());
                INSERT INTO projects (id, workspace_id, name, created_at)
                VALUES ('\(ids[1])', '\(ids[0])', 'next', now());
                INSERT INTO environments (id, project_id, workspace_id, name, created_at)
                VALUES ('\(ids[2])', '\(ids[1])', '\(ids[0])', 'next', now());
                INSERT INTO servers (id, workspace_id, name, created_at)
                VALUES ('\(ids[3])', '\(ids[0])', 'next', now());
                """)
        return Neighbour(
            workspaceID: ids[0], projectID: ids[1], environmentID: ids[2], serverID: ids[3],
            token: try addPerson(role: "owner", workspaceID: ids[0]))
    }
}

extension String {
    /// Letters and digits by chance.
    static func random(of length: Int) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return String((0..<length).compactMap { _ in letters.randomElement() })
    }
}
