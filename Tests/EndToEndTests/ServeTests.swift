import Foundation
import Glibc
import TestSupport
import Testing

/// The life of `berthd serve`.
@Suite struct ServeTests {
    /// Starts a server that must not start, and gives what it said.
    static func refusal(_ options: Berthd.Options) throws -> String {
        let process = try Berthd.spawn(options)
        let code = try process.exitCode()
        #expect(code != 0)
        #expect(code < 128, "it did not crash")
        #expect(!process.standardError.contains("serving"))
        return process.standardError
    }

    @Test(
        "SIGTERM lets a running call finish, takes no new one, and ends with 0",
        arguments: [SIGTERM, SIGINT])
    func drains(_ signal: Int32) throws {
        let installation = try Installation()
        let server = try Self.patientServer(of: installation)
        let (lock, call) = try Self.startCallThatWaits(installation, server)
        server.process.signal(signal)
        try eventually("draining") { server.log.contains("draining") }
        try eventually("no new connection") {
            try Grpcurl.run(["-connect-timeout", "1"], server, ["list"]).exitCode != 0
        }
        #expect(!server.process.hasEnded)
        #expect(!call.hasEnded)
        try Self.release(lock, installation)
        #expect(try call.exitCode() == 0, "\(call.standardError)")
        #expect(try JSON(parsing: call.standardOutput)["service"]["name"] == "main")
        #expect(try server.process.exitCode() == 0)
        #expect(try installation.run(sql: "SELECT count(*) FROM services") == "1")
    }

    @Test("a second signal ends it at once, whatever runs")
    func secondSignal() throws {
        let installation = try Installation()
        let server = try Self.patientServer(of: installation)
        let (lock, call) = try Self.startCallThatWaits(installation, server)
        server.process.signal(SIGTERM)
        try eventually("draining") { server.log.contains("draining") }
        server.process.signal(SIGTERM)
        #expect(try server.process.exitCode() == 1)
        #expect(try call.exitCode() == 64 + 14, "\(call.standardError)")
        try Self.release(lock, installation)
    }

    /// One that lets calls finish for far longer than a test may take, on a busy machine too.
    private static func patientServer(of installation: Installation) throws -> Berthd {
        var options = installation.options
        options.arguments = ["--drain-grace-max", "600s"]
        return try Berthd(options)
    }

    /// Of this database only: copies of one template give the table the same identifier.
    private static let onServicesHere = """
        relation = 'services'::regclass AND database = (
            SELECT oid FROM pg_database WHERE datname = current_database())
        """

    /// Begins a create call that cannot end before the lock's holder does.
    private static func startCallThatWaits(
        _ installation: Installation, _ server: Berthd
    ) throws -> (lock: ChildProcess, call: ChildProcess) {
        let lock = try ChildProcess([
            "\(Programs.postgresBinaries)/psql", "-X", "-q", "-d",
            installation.options.databaseURL, "-c",
            "BEGIN; LOCK TABLE services; SELECT pg_sleep(600)",
        ])
        try eventually("the lock") {
            try installation.run(
                sql: """
                    SELECT count(*) FROM pg_locks
                    WHERE \(Self.onServicesHere) AND mode = 'AccessExclusiveLock' AND granted
                    """) == "1"
        }
        let request: JSON = [
            "environmentId": .string(installation.environmentID), "name": "main",
            "templateId": "postgres",
        ]
        let call = try ChildProcess(
            [
                Programs.grpcurl, "-plaintext", "-connect-timeout", "60", "-max-time", "300", "-H",
                "authorization: Bearer \(installation.ownerToken)", "-d", "@", server.address,
                "berth.controlplane.v1.ServiceService/CreateDatabaseService",
            ], input: request.text)
        try eventually("the call to wait") {
            try installation.run(
                sql: """
                    SELECT count(*) FROM pg_locks
                    WHERE \(Self.onServicesHere) AND NOT granted
                    """) != "0"
        }
        return (lock, call)
    }

    private static func release(_ lock: ChildProcess, _ installation: Installation) throws {
        try installation.run(
            sql: """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE query LIKE 'BEGIN; LOCK TABLE%' AND datname = current_database()
                """)
        _ = try lock.exitCode()
    }

    @Test("a second berthd on the same port is refused, and the first goes on")
    func portTaken() throws {
        let installation = try Installation()
        var options = installation.options
        // Nobody is given this one by chance while it is free.
        options.address = "127.0.0.1:\(try FreePort.find())"
        let server = try Berthd(options)
        #expect(server.address == options.address)
        let message = try Self.refusal(options)
        #expect(message.contains(server.address))
        #expect(message.contains("another program"), "\(message)")
        try HealthTests.awaitServing(on: server)
        #expect(try server.stop() == 0)
        // Free again at once.
        let next = try Berthd(options)
        #expect(next.address == server.address)
        #expect(try next.stop() == 0)
    }

    @Test("of two that start at once on one port, one serves and one is refused")
    func portRace() throws {
        let installation = try Installation()
        var options = installation.options
        options.address = "127.0.0.1:\(try FreePort.find())"
        for _ in 0..<5 {
            let rivals = try (0..<3).map { [options] _ in try Berthd.spawn(options) }
            try eventually("two to be refused and one to serve") {
                rivals.allSatisfy { $0.hasEnded || $0.standardError.contains("serving") }
            }
            let serving = rivals.filter { !$0.hasEnded }
            #expect(serving.count == 1)
            for rival in rivals where rival.hasEnded {
                #expect(rival.standardError.contains("cannot listen on \(options.address)"))
            }
            for rival in serving {
                rival.signal(SIGTERM)
                #expect(try rival.exitCode() == 0)
            }
        }
    }

    @Test("another master key is refused at start")
    func wrongKey() throws {
        let installation = try Installation()
        #expect(try Berthd(installation.options).stop() == 0)
        let folder = try Folder()
        var options = installation.options
        options.keyFile = folder.file("other")
        try Installation.succeed(["keygen", "--out", options.keyFile], options)
        let message = try Self.refusal(options)
        #expect(message.contains("the master key is not the one of this database"))
        #expect(try Berthd(installation.options).stop() == 0)
    }

    @Test("a master key that others can read is refused", arguments: [0o640, 0o604, 0o666, 0o620])
    func readableKey(_ mode: Int) throws {
        let installation = try Installation()
        try FileManager.default.setAttributes(
            [.posixPermissions: mode], ofItemAtPath: installation.options.keyFile)
        let message = try Self.refusal(installation.options)
        #expect(message.contains("chmod 600 \(installation.options.keyFile)"))
    }

    @Test("a key file that holds no key, or is none, is refused by its name")
    func noKey() throws {
        let installation = try Installation()
        let folder = try Folder()
        var options = installation.options
        options.keyFile = folder.file("none")
        #expect(try Self.refusal(options).contains(options.keyFile))
        for text in ["", "short", String(repeating: "!", count: 43)] {
            try text.write(toFile: options.keyFile, atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: options.keyFile)
            #expect(try Self.refusal(options).contains("does not hold a key"))
        }
    }

    @Test("the address and the master key come from the environment or from flags, which go first")
    func environmentAndFlags() throws {
        let options = try Installation().options
        let ways: [(address: String, arguments: [String], environment: [String: String])] = [
            (
                "127.0.0.2:", [],
                ["BERTH_LISTEN": "127.0.0.2:0", "BERTH_MASTER_KEY_FILE": options.keyFile]
            ),
            (
                "127.0.0.3:",
                ["--listen", "127.0.0.3:0", "--master-key-file", options.keyFile],
                ["BERTH_LISTEN": "127.0.0.2:0", "BERTH_MASTER_KEY_FILE": "/nowhere/key"]
            ),
        ]
        for (address, arguments, environment) in ways {
            let process = try ChildProcess(
                [Programs.berthd, "serve"] + arguments,
                environment: environment.merging(["BERTH_DATABASE_URL": options.databaseURL]) { $1 }
            )
            try eventually("berthd to serve: \(process.standardError)") {
                process.hasEnded || process.standardError.contains("serving")
            }
            #expect(process.standardError.contains("address=\(address)"))
            process.signal(SIGTERM)
            #expect(try process.exitCode() == 0, "\(process.standardError)")
        }
        let nothing = try Berthd.run(
            ["serve"], environment: ["BERTH_DATABASE_URL": options.databaseURL])
        #expect(nothing.exitCode != 0)
        #expect(nothing.standardError.contains("--master-key-file"))
        #expect(nothing.standardError.contains("BERTH_MASTER_KEY_FILE"))
        let nowhere = try Berthd.run(
            ["serve", "--master-key-file", options.keyFile],
            environment: [
                "BERTH_LISTEN": "everywhere", "BERTH_DATABASE_URL": options.databaseURL,
            ])
        #expect(nowhere.exitCode != 0)
        #expect(nowhere.standardError.contains("everywhere"))
    }

    @Test("a database that is not migrated is refused, and the message says what to run")
    func notMigrated() throws {
        let installation = try Installation()
        var options = installation.options
        options.databaseURL = try installation.cluster.freshDatabase()
        #expect(try Self.refusal(options).contains("run: berthd migrate"))
        try installation.run(sql: "UPDATE schema_migrations SET checksum = 'x' WHERE version = 1")
        #expect(try Self.refusal(installation.options).contains("in another form"))
    }

    @Test("any number of loops serves on one port", arguments: [1, 3])
    func loops(_ loops: Int) throws {
        let installation = try Installation()
        var options = installation.options
        options.arguments = ["--loops", "\(loops)"]
        let server = try Berthd(options)
        #expect(server.log.contains("loops=\(loops)"))
        // The kernel spreads connections over the loops; each call is a connection.
        for _ in 0..<8 {
            let answer = try Client.grpcurl.call(
                "ServiceService/ListServices",
                ["environmentId": .string(installation.environmentID)],
                token: installation.ownerToken, on: server)
            #expect(answer.code == "OK")
        }
        #expect(try server.stop() == 0)
    }

    @Test(
        "options out of range are refused by name",
        arguments: [
            ["--loops", "0"], ["--loops", "65"], ["--loops", "many"], ["--log-level", "loud"],
            ["--template-image", "postgres"], ["--template-image", "oracle=oracle:1"],
            ["--template-image", "postgres=Bad:::Image"], ["--services-per-workspace-max", "0"],
            ["--deployments-waiting-per-server-max", "0"], ["--calls-per-token-max", "0"],
            ["--unverified-calls-max", "-1"], ["--request-bytes-max", "0"],
            ["--request-bytes-max", "5000000"], ["--message-bytes-max", "0"],
            ["--request-time-max", "off"], ["--deleted-data-grace-days", "3651"],
            ["--postgres-connections-per-loop-max", "1001"],
            ["--database-start-seconds-max", "0"], ["--metrics-listen", "0.0.0.0:0"],
        ])
    func options(_ arguments: [String]) throws {
        var options = try Stage.shared().installation.options
        options.arguments = arguments
        #expect(try Self.refusal(options).contains(arguments[0]))
    }

    @Test(
        "an address that cannot be listened on is refused by name",
        arguments: ["nonsense", "127.0.0.1", "127.0.0.1:70000", "203.0.113.1:7070"])
    func address(_ address: String) throws {
        var options = try Stage.shared().installation.options
        options.address = address
        #expect(try Self.refusal(options).contains(address))
    }

    @Test("a template's image can be another")
    func templateImage() throws {
        let installation = try Installation()
        var options = installation.options
        options.arguments = ["--template-image", "postgres=registry.example:5000/postgres:17"]
        let server = try Berthd(options)
        let answer = try Client.grpcurl.call(
            "ServiceService/CreateDatabaseService",
            [
                "environmentId": .string(installation.environmentID), "name": "main",
                "templateId": "postgres",
            ], token: installation.ownerToken, on: server)
        #expect(
            answer.response["service"]["image"] == "registry.example:5000/postgres:17")
    }
}
