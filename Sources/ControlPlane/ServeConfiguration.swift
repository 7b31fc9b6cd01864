import Config
import HTTP2
import PostgresClient
import Services

/// What `berthd serve` runs with, checked.
struct ServeConfiguration: Sendable {
    /// Where to listen.
    let address: SocketAddress
    /// Where PostgreSQL is; may hold a password.
    let databaseURL: String
    /// Seals and opens secrets.
    let sealer: MasterKeySealer
    /// How many event loops, each a thread.
    let loops: Int
    /// What can be provisioned.
    let catalogue: DatabaseCatalogue
    /// How long running calls may take to finish after SIGTERM.
    let drainGrace = Duration.seconds(10)

    /// The loops that one process may have.
    static let loopsMax = 64

    /// The pool of one loop. Few connections make PostgreSQL fastest: see docs/performance.
    var pool: PoolConfiguration {
        var pool = PoolConfiguration(uri: databaseURL)
        pool.connectionsMax = 4
        return pool
    }
}
