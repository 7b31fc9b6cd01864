import Glibc
import Synchronization

/// A throw-away PostgreSQL cluster: unix socket only, removed when the test process ends however it
/// ends.
///
/// Runs as the user `postgres` when the tests run as root, for PostgreSQL refuses root.
public final class TestPostgres: Sendable {
    /// The cluster that this process's tests share; started by the first who asks.
    public static func shared() throws -> TestPostgres { try sharedResult.get() }
    private static let sharedResult = Result { try TestPostgres() }

    /// The folder of the unix socket, for `host=`.
    public var socketFolder: String { folder }
    private let folder: String
    /// The port, for tests over TCP.
    public let port: Int
    private let binaries: String
    private let watchdog: Watchdog
    private static let databaseCount = Atomic<Int>(0)

    /// Starts a cluster of one's own, for tests that stop it or change its settings.
    ///
    /// - Parameter settings: Lines for `postgresql.conf`.
    /// - Parameter port: What the socket is named after; matters only to those who listen on TCP.
    public init(settings: [String] = [], port: Int = 5432) throws {
        self.port = port
        binaries = try TestPostgres.newestBinaries()
        folder = try TestPostgres.makeFolder()
        watchdog = try Watchdog(
            folder: folder, stopCommand: TestPostgres.asServerUser(["\(binaries)/pg_ctl"]))
        try run([
            "\(binaries)/initdb", "-D", "\(folder)/data", "--username=berth", "--auth=trust",
            "--no-sync", "--encoding=UTF8", "--locale=C", "-A", "trust",
        ])
        try append(TestPostgres.defaults(folder) + ["port = \(port)"] + settings)
        try start()
    }

    private static func defaults(_ folder: String) -> [String] {
        [
            "listen_addresses = ''", "unix_socket_directories = '\(folder)'", "fsync = off",
            "full_page_writes = off", "shared_buffers = 16MB",
            "max_connections = 300", "max_wal_size = 64MB", "log_statement = all",
            "log_line_prefix = '%p %d '", "autovacuum = off", "jit = off",
        ]
    }

    // MARK: Databases

    /// Creates an empty database.
    /// - Returns: Its connection URI.
    public func freshDatabase() throws -> String {
        let number = TestPostgres.databaseCount.add(1, ordering: .relaxed).newValue
        let name = "test_\(number)"
        try run(sql: "CREATE DATABASE \(name)", in: "postgres")
        return uri(name)
    }

    /// The connection URI of a database of that name.
    public func uri(_ database: String) -> String {
        "postgresql:///\(database)?host=\(folder)&port=\(port)&user=berth"
    }

    /// Runs SQL text by psql and gives what it prints: rows as lines, columns parted by `|`.
    @discardableResult
    public func run(sql: String, in database: String) throws -> String {
        try run([
            "\(binaries)/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
            uri(database), "-c", sql,
        ])
    }

    /// Creates an empty database in the shared cluster.
    /// - Returns: Its connection URI.
    public static func freshDatabase() throws -> String { try shared().freshDatabase() }

    // MARK: Faults

    /// Stops the server at once, as a crash would (`immediate`), or after it has told its clients
    /// (`fast`).
    public func stop(_ mode: String = "fast") throws {
        try run(["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-w", "-m", mode, "stop"])
    }

    /// Starts the stopped server and waits until it answers.
    public func start() throws {
        try run([
            "\(binaries)/pg_ctl", "-D", "\(folder)/data", "-w", "-t", "60", "-l", "\(folder)/log",
            "start",
        ])
    }

    /// Sends a signal to the process of one backend, such as `SIGSTOP`.
    public func signal(_ signal: Int32, backend: Int32) { kill(backend, signal) }

    /// Runs `body` while every process of the server is stopped where it is, as on a machine that
    /// hangs: the kernel still takes connections, and nobody answers.
    public func whileFrozen<R>(_ body: () async throws -> R) async throws -> R {
        let first = try serverProcess()
        // It alone makes others.
        kill(first, SIGSTOP)
        let others = Result { try children(of: first) }
        defer {
            for process in (try? others.get()) ?? [] { kill(process, SIGCONT) }
            kill(first, SIGCONT)
        }
        for process in try others.get() { kill(process, SIGSTOP) }
        return try await body()
    }

    /// Runs `body` while the server takes no new connection, nor the request to cancel a statement, which
    /// is one: whoever asks hangs until it does again. Those that are connected are served.
    public func whileTakingNobody<R>(_ body: () async throws -> R) async throws -> R {
        let first = try serverProcess()
        kill(first, SIGSTOP)
        defer { kill(first, SIGCONT) }
        return try await body()
    }

    private func serverProcess() throws -> pid_t {
        let text = try run(["head", "-n", "1", "\(folder)/data/postmaster.pid"])
        guard let process = pid_t(text) else { throw CommandFailed(text: "no process: \(text)") }
        return process
    }

    private func children(of process: pid_t) throws -> [pid_t] {
        try Command.run(["cat", "/proc/\(process)/task/\(process)/children"])
            .split(separator: " ").compactMap { pid_t($0) }
    }

    /// Makes the server a standby, which refuses to write: of nobody, until ``promote()``.
    public func demote() throws {
        try stop()
        try run(["touch", "\(folder)/data/standby.signal"])
        try start()
    }

    /// Makes the standby a primary again, while its clients stay connected.
    public func promote() throws {
        try run(["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-w", "promote"])
    }

    /// Everything that the server has logged; statements included.
    public func logText() throws -> String { try run(["cat", "\(folder)/log"]) }

    /// Appends lines to `postgresql.conf`; in force after ``start()`` or `pg_reload_conf()`.
    public func append(_ settings: [String]) throws {
        let file = "\(folder)/data/postgresql.conf"
        try run(["sh", "-c", "printf '%s\\n' \"$@\" >> \"$0\"", file] + settings)
    }

    // MARK: Processes

    @discardableResult
    private func run(_ command: [String]) throws -> String {
        try Command.run(TestPostgres.asServerUser(command))
    }

    private static func asServerUser(_ command: [String]) -> [String] {
        guard getuid() == 0 else { return command }
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] + command
    }

    private static func newestBinaries() throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = try Command.run(["ls", root]).split(separator: "\n").compactMap { Int($0) }
        guard let newest = versions.max() else { throw CommandFailed(text: "nothing in \(root)") }
        return "\(root)/\(newest)/bin"
    }

    /// In /tmp always: a socket's path has at most 107 bytes.
    private static func makeFolder() throws -> String {
        var template = Array("/tmp/berth-test-pg-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CommandFailed(text: "mkdtemp failed") }
        let path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if getuid() == 0 { try Command.run(["chown", "postgres:postgres", path]) }
        return path
    }
}
