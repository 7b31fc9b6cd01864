import ArgumentParser
import Config
import EventLoops
import Glibc
import HTTP2
import Logging
import RPC
import Services

/// `berthd serve`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve gRPC until SIGTERM, then drain.")

    @Option(help: "HOST:PORT to listen on; else BERTH_LISTEN, else 127.0.0.1:7070.")
    var listen: String?
    @Option(help: "The file that 'berthd keygen' made; else BERTH_MASTER_KEY_FILE.")
    var masterKeyFile: String?
    @Option(help: "Event loops, each a thread; else one a core.")
    var loops: Int?
    @Option(help: "The connections to PostgreSQL of one loop; else eight for all, at least four.")
    var postgresConnectionsPerLoopMax: Int?
    @Option(
        name: .customLong("template-image"),
        help: "TEMPLATE=IMAGE: provision a template from another image. May be given again.")
    var templateImages: [String] = []
    @Option(
        name: .customLong("web-origin"),
        help:
            "Let pages of this origin, such as https://app.example, call by gRPC-Web. Again for more."
    )
    var webOrigins: [String] = []
    @Option(help: "HOST:PORT on which Prometheus finds /metrics, by plain HTTP; else nowhere.")
    var metricsListen: String?
    @Flag(
        help: "Let --metrics-listen be where others reach it; nobody else can read what passes."
    )
    var metricsPlaintextBehindProxy = false
    @Option(help: "The services that one workspace may have.")
    var servicesPerWorkspaceMax = ServeConfiguration.Quotas().servicesPerWorkspaceMax
    @Option(help: "The deployments that may wait for one server.")
    var deploymentsWaitingPerServerMax =
        ServeConfiguration.Quotas().deploymentsWaitingPerServerMax
    @Option(help: "The calls that one token may have running at once on one loop.")
    var callsPerTokenMax = ServeConfiguration.Quotas().callsPerTokenMax
    @Option(
        help: "The calls that all tokens not verified yet may have running at once on one loop.")
    var unverifiedCallsMax = ServeConfiguration.Quotas().unverifiedCallsMax
    @Option(help: "The bytes of one request, but for agents'.")
    var requestBytesMax = ServeConfiguration.requestBytesMaxDefault
    @Option(help: "The days for which the data of a deleted service is kept.")
    var deletedDataGraceDays = 7
    @Option(help: "The seconds that a database may take from its container's start to a login.")
    var databaseStartSecondsMax = 120
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"
    @Option(help: "How long running calls may take to finish after SIGTERM.")
    var drainGraceMax = TimeSpan(ServeConfiguration.drainGraceMaxDefault)
    @OptionGroup(title: "TLS") var tls: TLSOptions
    @OptionGroup(title: "Connections") var connections: ConnectionOptions
    @OptionGroup var database: DatabaseOptions

    func run() throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--log-level \(logLevel): must be one of \(levels)")
        }
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "berthd")
        logger.logLevel = level
        try ControlPlaneServer(configuration: try checked(), logger: logger).run()
    }

    private func checked() throws -> ServeConfiguration {
        let listen = self.listen ?? environment("BERTH_LISTEN") ?? "127.0.0.1:7070"
        guard let address = SocketAddress(listen) else {
            throw ValidationError(
                "--listen \(listen): must be HOST:PORT with HOST an IP address or localhost")
        }
        guard let path = masterKeyFile ?? environment("BERTH_MASTER_KEY_FILE") else {
            throw ValidationError(
                "the master key is missing: give --master-key-file FILE or set "
                    + "BERTH_MASTER_KEY_FILE; 'berthd keygen --out FILE' makes one")
        }
        let loops = self.loops ?? min(Processors.allowedCount, ServeConfiguration.loopsMax)
        try check(loops, 1...ServeConfiguration.loopsMax, "--loops")
        if let max = postgresConnectionsPerLoopMax {
            try check(
                max, 1...ServeConfiguration.postgresConnectionsPerLoopLimit,
                "--postgres-connections-per-loop-max")
        }
        try check(
            deletedDataGraceDays, 0...ServeConfiguration.deletedDataGraceDaysMax,
            "--deleted-data-grace-days")
        try check(
            databaseStartSecondsMax, 1...ServeConfiguration.databaseStartSecondsLimit,
            "--database-start-seconds-max")
        let limits = try connections.limits()
        try check(
            requestBytesMax, 1...connections.messageBytesMax, "--request-bytes-max",
            "--message-bytes-max")
        let encryption = try tls.encryption(on: address)
        let masterKey = try MasterKeyFile.read(path)
        var configuration = ServeConfiguration(
            address: address, tls: encryption, databaseURL: try database.databaseURL(),
            sealer: try MasterKeySealer(masterKey: masterKey),
            fingerprinter: try HMACRequestFingerprinter(masterKey: masterKey), loops: loops,
            postgresConnectionsPerLoopMax: postgresConnectionsPerLoopMax,
            catalogue: try catalogue(),
            quotas: try quotas(), webOrigins: try checkedWebOrigins(),
            databaseStartTimeMax: .seconds(databaseStartSecondsMax),
            metricsAddress: try metricsAddress(),
            deletedDataGrace: .seconds(deletedDataGraceDays * 24 * 60 * 60),
            isPlaintextBehindProxy: tls.plaintextBehindProxy)
        configuration.limits = limits
        configuration.requestBytesMax = requestBytesMax
        guard let drainGrace = drainGraceMax.duration else {
            throw ValidationError("--drain-grace-max cannot be off")
        }
        configuration.drainGrace = drainGrace
        return configuration
    }

    private func metricsAddress() throws -> SocketAddress? {
        guard let metricsListen else { return nil }
        guard let address = SocketAddress(metricsListen) else {
            throw ValidationError(
                "--metrics-listen \(metricsListen): must be HOST:PORT with HOST an IP address or "
                    + "localhost")
        }
        guard address.isLoopback || metricsPlaintextBehindProxy else {
            throw ValidationError(
                "--metrics-listen \(metricsListen): metrics are not encrypted, so only a loopback "
                    + "address is allowed; if nobody else can read what is on the way, say "
                    + "--metrics-plaintext-behind-proxy")
        }
        return address
    }

    private func checkedWebOrigins() throws -> WebOrigins {
        do {
            return try WebOrigins(webOrigins)
        } catch {
            throw ValidationError("--web-origin: \(error)")
        }
    }

    private func quotas() throws -> ServeConfiguration.Quotas {
        try check(Int(servicesPerWorkspaceMax), 1..., "--services-per-workspace-max")
        try check(
            Int(deploymentsWaitingPerServerMax), 1..., "--deployments-waiting-per-server-max")
        try check(callsPerTokenMax, 1..., "--calls-per-token-max")
        try check(unverifiedCallsMax, 1..., "--unverified-calls-max")
        return ServeConfiguration.Quotas(
            servicesPerWorkspaceMax: servicesPerWorkspaceMax,
            deploymentsWaitingPerServerMax: deploymentsWaitingPerServerMax,
            callsPerTokenMax: callsPerTokenMax, unverifiedCallsMax: unverifiedCallsMax)
    }

    /// Refuses a number that is out of its range, by the option's name.
    /// - Parameter upper: The option that says the range's end; nil when it is fixed.
    private func check(
        _ number: Int, _ range: ClosedRange<Int>, _ option: String, _ upper: String? = nil
    ) throws {
        guard !range.contains(number) else { return }
        let end = upper.map { " (\($0))" } ?? ""
        throw ValidationError(
            "\(option) \(number): must be from \(range.lowerBound) to \(range.upperBound)\(end)")
    }

    private func check(_ number: Int, _ range: PartialRangeFrom<Int>, _ option: String) throws {
        guard !range.contains(number) else { return }
        throw ValidationError("\(option) \(number): must be at least \(range.lowerBound)")
    }

    private func catalogue() throws -> DatabaseCatalogue {
        do {
            return try DatabaseCatalogue(imageOverrides: try imageOverrides())
        } catch let refusal as DatabaseCatalogue.OverrideRefusal {
            throw ValidationError("--template-image: \(refusal)")
        }
    }

    private func imageOverrides() throws -> [String: String] {
        var overrides: [String: String] = [:]
        for text in templateImages {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, overrides.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw ValidationError("--template-image \(text): must be TEMPLATE=IMAGE, once each")
            }
        }
        return overrides
    }
}
