/// Where a pool's connections go and how many there may be.
public struct PoolConfiguration: Sendable {
    /// A libpq connection URI or keyword string, such as `postgresql:///berth?host=/run/postgresql`.
    /// May hold a password: never log it.
    public var uri: String
    /// Open connections, those being opened included.
    public var connectionsMax = 4
    /// Callers that may wait for a connection; one more gets `.poolExhausted`.
    public var waitersMax = 256
    /// How long a caller waits for a connection before it gets `.poolExhausted`.
    public var waitDurationMax = Duration.seconds(5)
    /// How long opening one connection may take, name resolution included.
    public var connectDurationMax = Duration.seconds(5)
    /// How long results are read after a cancel before the connection is given up.
    public var drainAfterCancel = Duration.seconds(2)
    /// How long a ROLLBACK may take before the connection is given up.
    public var rollbackDurationMax = Duration.seconds(5)
    /// How long ``ConnectionPool/close()`` waits for what is running.
    public var closeDurationMax = Duration.seconds(5)
    /// The first pause after a failed connect; doubles up to ``backoffMax``, with jitter.
    public var backoffMin = Duration.milliseconds(50)
    /// The longest pause between two attempts to connect.
    public var backoffMax = Duration.seconds(1)
    /// PostgreSQL's `statement_timeout`; zero means none.
    public var statementDurationMax = Duration.seconds(30)
    /// PostgreSQL's `idle_in_transaction_session_timeout`: how long a transaction may stay open while
    /// nothing is asked of it.
    public var idleInTransactionMax = Duration.seconds(60)
    /// How long one round trip may take, all its statements together, before the connection is given
    /// up; the last resort against a server or network that hangs. Nil means for ever.
    public var answerDurationMax: Duration? = .seconds(120)
    /// PostgreSQL's `client_connection_check_interval`: how soon it notices that we are gone.
    public var connectionCheckInterval = Duration.seconds(1)
    /// PostgreSQL's `application_name`.
    public var applicationName = "berthd"

    /// A configuration with the limits above.
    public init(uri: String) { self.uri = uri }
}
