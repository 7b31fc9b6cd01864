import TestSupport

/// A container on a database's network that runs pgbench again and again, each time until it loses its
/// connections or a few seconds are over, and adds up the transactions that it calls processed.
final class PgbenchRunner: Sendable {
    private let container: String

    /// Makes pgbench's tables, and begins.
    init(on database: Harbour.Database, of harbour: Harbour) throws {
        let network = ["--network", "berth-env-\(database.environmentID)", "--entrypoint"]
        try Docker.succeed(
            ["run", "--rm"] + network
                + ["pgbench", try Harbour.image, "--initialize", "--quiet", database.uri])
        // It prints its count also of a run that broke.
        let script = """
            while [ ! -e /tmp/stop ]; do
                pgbench --client=4 --time=5 --no-vacuum "$URI" 2>/dev/null
                sleep 0.05
            done
            """
        container = try Docker.succeed(
            ["run", "--detach", "--env", "URI=\(database.uri)?connect_timeout=5"] + network
                + ["/bin/sh", try Harbour.image, "-c", script])
    }

    /// Ends, and gives the transactions that PostgreSQL had acknowledged to pgbench.
    func stop() throws -> Int {
        try Docker.succeed(["exec", container, "touch", "/tmp/stop"])
        try Docker.succeed(["wait", container])
        let heading = "number of transactions actually processed: "
        return try Docker.lines(["logs", container]).filter { $0.hasPrefix(heading) }
            .compactMap { Int($0.dropFirst(heading.count)) }.reduce(0, +)
    }

    deinit { _ = try? Docker.run(["rm", "--force", container]) }
}
