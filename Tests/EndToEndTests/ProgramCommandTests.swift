import Foundation
import TestSupport
import Testing

/// `berthd`'s commands that end by themselves, as scripts and people run them.
@Suite struct ProgramCommandTests {
    @Test("keygen makes a key that only its owner can read, and never overwrites one")
    func keygen() throws {
        let folder = try Folder()
        let path = folder.file("key")
        let made = try Berthd.run(["keygen", "--out", path])
        #expect(made.exitCode == 0)
        let key = try String(contentsOfFile: path, encoding: .utf8)
        #expect(key.wholeMatch(of: /[A-Za-z0-9_-]{43}\n/) != nil)
        #expect(!(made.standardOutput + made.standardError).contains(key.dropLast()))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        let again = try Berthd.run(["keygen", "--out", path])
        #expect(again.exitCode != 0)
        #expect(again.standardError.contains("never overwritten"))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == key)
        let other = try Berthd.run(["keygen", "--out", folder.file("other")])
        #expect(other.exitCode == 0)
        #expect(try String(contentsOfFile: folder.file("other"), encoding: .utf8) != key)
    }

    @Test("keygen killed while it writes leaves no key file, and the next one makes the key")
    func killedKeygen() throws {
        let folder = try Folder()
        let path = folder.file("key")
        // The kernel ends who writes to a file more than its limit allows.
        let killed = try ChildProcess.run([
            "/bin/bash", "-c", "ulimit -f 0; exec \"$0\" keygen --out \"$1\"", Programs.berthd,
            path,
        ])
        #expect(killed.exitCode == 128 + SIGXFSZ, "\(killed.standardError)")
        #expect(!FileManager.default.fileExists(atPath: path))
        let made = try Berthd.run(["keygen", "--out", path])
        #expect(made.exitCode == 0, "\(made.standardError)")
        #expect(
            try String(contentsOfFile: path, encoding: .utf8)
                .wholeMatch(of: /[A-Za-z0-9_-]{43}\n/) != nil)
    }

    @Test("keygen where it cannot write says so")
    func keygenNowhere() throws {
        let finished = try Berthd.run(["keygen", "--out", "/nowhere/key"])
        #expect(finished.exitCode != 0)
        #expect(finished.standardError.contains("/nowhere/key"))
    }

    @Test("bootstrap gives the same ids and a new token, and the token before opens nothing")
    func bootstrap() throws {
        let installation = try Installation()
        let server = try Berthd(installation.options)
        let first = installation.bootstrap
        #expect(
            Set(first.members.keys) == [
                "token", "workspace_id", "project_id", "environment_id", "server_id",
                "agent_registration_token",
            ])
        func code(_ token: JSON) throws -> String {
            try Client.grpcurl.call(
                "ServiceService/ListServices", ["environmentId": first["environment_id"]],
                token: token.string, on: server
            ).code
        }
        #expect(try code(first["token"]) == "OK")
        let second = try JSON(
            parsing: Installation.succeed(["bootstrap", "--json"], installation.options))
        #expect(second["token"].string.wholeMatch(of: /berth_[A-Za-z0-9_-]{43}/) != nil)
        #expect(second["token"] != first["token"])
        #expect(
            second["agent_registration_token"].string.wholeMatch(
                of: /berth_reg_[A-Za-z0-9_-]{43}/) != nil)
        #expect(second["agent_registration_token"] != first["agent_registration_token"])
        for name in ["workspace_id", "project_id", "environment_id", "server_id"] {
            #expect(second[name] == first[name])
        }
        #expect(try code(first["token"]) == "UNAUTHENTICATED")
        #expect(try code(second["token"]) == "OK")
        let third = try Installation.succeed(["bootstrap"], installation.options)
        #expect(third.contains("environment_id: \(installation.environmentID)"))
    }

    @Test("migrate twice is well, and says what it did")
    func migrate() throws {
        let folder = try Folder()
        let options = Berthd.Options(
            databaseURL: try TestPostgres.freshDatabase(), keyFile: folder.file("key"))
        let first = try Installation.succeed(["migrate"], options)
        #expect(first.hasPrefix("applied migrations: 1"))
        let second = try Installation.succeed(["migrate"], options)
        #expect(second == "the schema is up to date\n")
    }

    @Test("two that migrate at once both succeed")
    func migrateAtOnce() throws {
        let folder = try Folder()
        let options = Berthd.Options(
            databaseURL: try TestPostgres.freshDatabase(), keyFile: folder.file("key"))
        let processes = try (0..<3).map { _ in
            try ChildProcess([Programs.berthd, "migrate"], environment: options.environment)
        }
        for process in processes {
            #expect(try process.exitCode() == 0, "\(process.standardError)")
        }
        let outputs = processes.map(\.standardOutput)
        #expect(outputs.count { $0.hasPrefix("applied migrations: 1") } == 1)
        #expect(outputs.count { $0 == "the schema is up to date\n" } == 2)
    }

    @Test(
        "without the database's address every command says how to give it",
        arguments: [["serve"], ["migrate"], ["bootstrap", "--json"]])
    func withoutAddress(_ arguments: [String]) throws {
        let folder = try Folder()
        _ = try Berthd.run(["keygen", "--out", folder.file("key")])
        let finished = try Berthd.run(
            arguments, environment: ["BERTH_MASTER_KEY_FILE": folder.file("key")])
        #expect(finished.exitCode != 0)
        #expect(finished.standardError.contains("BERTH_DATABASE_URL"))
        #expect(finished.standardError.contains("--database-url-file"))
    }

    @Test("the database's address can come from a file")
    func addressFromFile() throws {
        let folder = try Folder()
        let file = folder.file("url")
        let url = try TestPostgres.freshDatabase()
        try (url + "\n").write(toFile: file, atomically: true, encoding: .utf8)
        let finished = try Berthd.run(["migrate", "--database-url-file", file])
        #expect(finished.exitCode == 0, "\(finished.standardError)")
        try "\n".write(toFile: file, atomically: true, encoding: .utf8)
        let empty = try Berthd.run(["migrate", "--database-url-file", file])
        #expect(empty.exitCode != 0)
        #expect(empty.standardError.contains("is empty"))
        let missing = try Berthd.run(["migrate", "--database-url-file", folder.file("none")])
        #expect(missing.exitCode != 0)
        #expect(missing.standardError.contains(folder.file("none")))
    }

    @Test(
        "a database that is not there is a readable error without the password",
        arguments: [
            "postgresql://berth:hush-hush@/x?host=/nowhere",
            "postgresql://berth:hush-hush@127.0.0.1:1/x",
            "postgresql://berth:hush-hush@/x?what=ever",
        ])
    func withoutDatabase(_ url: String) throws {
        for command in ["migrate", "bootstrap"] {
            let finished = try Berthd.run([command], environment: ["BERTH_DATABASE_URL": url])
            #expect(finished.exitCode != 0)
            #expect(
                finished.standardError.split(separator: "\n").last?.hasPrefix("Error: ") == true)
            #expect(!finished.standardError.contains("hush-hush"))
            #expect(!finished.standardOutput.contains("hush-hush"))
        }
    }

    @Test("bootstrap on a database that was never migrated says what to run")
    func bootstrapTooEarly() throws {
        let finished = try Berthd.run(
            ["bootstrap", "--json"],
            environment: ["BERTH_DATABASE_URL": try TestPostgres.freshDatabase()])
        #expect(finished.exitCode != 0)
        #expect(finished.standardOutput == "")
        #expect(finished.standardError.contains("berthd migrate"))
    }
}
