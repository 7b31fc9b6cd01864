import TestSupport

/// A container on a database's network that inserts numbers one by one and reconnects whenever it must.
final class SiblingWriter: Sendable {
    private let container: String

    /// Begins to write into the table `written`, which it makes.
    init(to database: Harbour.Database, of harbour: Harbour) throws {
        try harbour.query("CREATE TABLE written (n bigint PRIMARY KEY)", database)
        // A number is printed only after the database has said that it is committed.
        let script = """
            base=0
            while [ ! -e /tmp/stop ]; do
                base=$((base + 1000000)); n=$base
                while [ ! -e /tmp/stop ]; do
                    n=$((n + 1)); echo "INSERT INTO written VALUES ($n);"; echo "\\\\echo $n"; echo "\\\\! sleep 0.002"
                done | psql "$URI" --no-psqlrc --quiet --set ON_ERROR_STOP=1 2>/dev/null
                sleep 0.02
            done
            """
        container = try Docker.succeed([
            "run", "--detach", "--network", "berth-env-\(database.environmentID)", "--env",
            "URI=\(database.uri)?connect_timeout=5", "--entrypoint", "/bin/sh", try Harbour.image,
            "-c", script,
        ])
    }

    /// The numbers that were acknowledged so far.
    func acknowledged() throws -> Set<Int> {
        Set(try Docker.lines(["logs", container]).compactMap { Int($0) })
    }

    /// Stops writing, and gives the numbers that were acknowledged.
    func stop() throws -> Set<Int> {
        try Docker.succeed(["exec", container, "touch", "/tmp/stop"])
        try Docker.succeed(["wait", container])
        return try acknowledged()
    }

    deinit { _ = try? Docker.run(["rm", "--force", container]) }
}
