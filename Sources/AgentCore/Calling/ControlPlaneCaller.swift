import BerthMessages
import EventLoops
import HTTP2
import Logging
import RPC
import TLS

/// Calls the control plane's `AgentService`, each time over a connection of its own.
final class ControlPlaneCaller: ControlPlaneLink {
    /// How long a registration may take.
    static let registrationMax = Duration.seconds(20)

    private let address: ControlPlaneAddress
    private let credential: String
    private let tls: TLSConnector?
    private let workers: WorkerPool
    private let reactor: Reactor
    private let logger: Logger

    /// - Parameters:
    ///   - authorities: Who may vouch for the control plane (PEM); nil for the machine's own.
    ///   - credential: Shown as a bearer token; empty for none.
    /// - Throws: ``BadAuthorities``.
    init(
        to address: ControlPlaneAddress, authorities: [UInt8]?, credential: String,
        workers: WorkerPool, reactor: Reactor, logger: Logger
    ) throws {
        self.address = address
        self.credential = credential
        self.workers = workers
        self.reactor = reactor
        self.logger = logger
        do {
            tls =
                address.isEncrypted
                ? try TLSConnector(
                    to: address.host,
                    with: ClientCredentials(authorities: authorities.map { .only($0) } ?? .system),
                    reactor: reactor) : nil
        } catch {
            throw BadAuthorities(reason: error)
        }
    }

    /// What `--tls-ca` named is not what it should be.
    struct BadAuthorities: Error, CustomStringConvertible {
        let reason: TLSError
        var description: String { "--tls-ca: \(reason)" }
    }

    func openStream() async throws -> any AgentStream {
        let channel = channel()
        do {
            let options = CallOptions(metadata: Metadata(["authorization": "Bearer \(credential)"]))
            let call = try await channel.call(AgentV1.AgentServiceMethods.connect, options)
            return ConnectCall(call, channel)
        } catch {
            channel.close()
            throw error
        }
    }

    /// Registers the agent of a server.
    /// - Throws: `RPCStatus`.
    func register(_ request: AgentV1.RegisterRequest) async throws -> AgentV1.RegisterResponse {
        let channel = channel()
        defer { channel.close() }
        return try await channel.call(
            AgentV1.AgentServiceMethods.register, request,
            CallOptions(timeout: ControlPlaneCaller.registrationMax))
    }

    private func channel() -> Channel {
        guard let tls else {
            return Channel(
                to: address.host, port: address.port, reactor: reactor, workers: workers,
                logger: logger)
        }
        return Channel(
            to: address.host, port: address.port, reactor: reactor, workers: workers,
            logger: logger
        ) { try tls.stream(over: $0) }
    }
}

private final class ConnectCall: AgentStream {
    private let call: OpenCall<AgentV1.ConnectRequest, AgentV1.ConnectResponse>
    private let channel: Channel

    init(
        _ call: OpenCall<AgentV1.ConnectRequest, AgentV1.ConnectResponse>, _ channel: Channel
    ) {
        self.call = call
        self.channel = channel
    }

    func send(_ message: AgentV1.ConnectRequest) async throws { try await call.write(message) }
    func next() async throws -> AgentV1.ConnectResponse? { try await call.next() }
    func close() {
        call.cancel()
        channel.close()
    }
}
