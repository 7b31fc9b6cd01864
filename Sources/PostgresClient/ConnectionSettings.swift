import CLibPQ

/// The keywords and values that one connection is opened with (libpq manual, "Parameter Key Words").
///
/// Holds the password if the URI does: never printed.
struct ConnectionSettings: Sendable {
    private(set) var values: [String: String]

    /// Reads a connection URI or keyword string and adds what every connection of ours needs.
    /// - Throws: `.connectionFailed` when libpq cannot parse it.
    init(_ configuration: PoolConfiguration) throws(PostgresError) {
        values = try ConnectionSettings.parse(configuration.uri)
        let statementLimit = configuration.statementDurationMax.wholeMilliseconds
        let checkInterval = configuration.connectionCheckInterval.wholeMilliseconds
        let idleLimit = configuration.idleInTransactionMax.wholeMilliseconds
        let ours = [
            "-c statement_timeout=\(statementLimit)",
            "-c idle_in_transaction_session_timeout=\(idleLimit)",
            "-c client_connection_check_interval=\(checkInterval)",
            // For statements outside of transactions, which say it themselves.
            "-c default_transaction_isolation=read\\ committed",
        ]
        // The URI's own options come last, so they win.
        values["options"] = (ours + [values["options"] ?? ""]).joined(separator: " ")
        setDefault("application_name", configuration.applicationName)
        setDefault("client_encoding", "UTF8")
        // Without it libpq tries Kerberos first on every TCP connection.
        setDefault("gssencmode", "disable")
        setDefault("keepalives_idle", "30")
        setDefault("keepalives_interval", "5")
        setDefault("keepalives_count", "3")
        setDefault("tcp_user_timeout", "30000")
        if hasSeveralHosts {
            // Else libpq takes the first that answers, be it the primary of before.
            setDefault("target_session_attrs", "read-write")
        }
    }

    private mutating func setDefault(_ keyword: String, _ value: String) {
        if values[keyword] == nil { values[keyword] = value }
    }

    private var hasSeveralHosts: Bool {
        ["host", "hostaddr"].contains { values[$0]?.contains(",") == true }
    }

    /// The host names that libpq would resolve itself, and so block on; nil when there are none.
    var hostsToResolve: [String]? {
        guard values["hostaddr"] == nil, let host = values["host"] else { return nil }
        let hosts = host.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let needsNone = hosts.allSatisfy { $0.isEmpty || $0.hasPrefix("/") || $0.hasPrefix("@") }
        return needsNone ? nil : hosts
    }

    /// Replaces the hosts by what they resolved to: one entry for each address, in the same order.
    mutating func replaceHosts(_ resolved: [ResolvedHost]) {
        let ports = (values["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
        var hosts: [String] = []
        var addresses: [String] = []
        var portOfEach: [String] = []
        for (index, host) in resolved.enumerated() {
            for address in host.addresses {
                hosts.append(host.name)
                addresses.append(address)
                portOfEach.append(String(ports.count == 1 ? ports[0] : ports[index % ports.count]))
            }
        }
        values["host"] = hosts.joined(separator: ",")
        values["hostaddr"] = addresses.joined(separator: ",")
        if values["port"] != nil { values["port"] = portOfEach.joined(separator: ",") }
    }

    private static func parse(_ uri: String) throws(PostgresError) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        // Safe: libpq owns both allocations until they are freed below; every string is copied.
        guard let options = unsafe PQconninfoParse(uri, &message) else {
            // The message may repeat parts of the URI, and so a password.
            unsafe PQfreemem(message)
            throw PostgresError(
                .connectionFailed, function: "PQconninfoParse",
                message: "the connection URI is malformed")
        }
        defer { unsafe PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe values[String(cString: keyword)] = unsafe String(cString: value)
            }
            unsafe option += 1
        }
        return values
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
