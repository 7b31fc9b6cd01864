import BerthMessages
import EventLoops
import Messages
import RPC
import TLS

/// Calls the control plane's `AgentService`.
final class ControlPlaneCaller: ControlPlaneLink {
    /// How long a registration may take.
    static let registrationMax = Duration.seconds(20)

    private let address: ControlPlaneAddress
    private let credential: String
    private let tls: TLSConnector?
    private let workers: WorkerPool
    private let reactor: Reactor
    /// Which of the name's addresses is tried next.
    private var turn = 0

    /// - Parameters:
    ///   - authorities: Who may vouch for the control plane (PEM); nil for the machine's own.
    ///   - credential: Shown as a bearer token; empty for none.
    /// - Throws: `TLSError`: the text is no PEM.
    init(
        to address: ControlPlaneAddress, authorities: [UInt8]?, credential: String,
        workers: WorkerPool, reactor: Reactor
    ) throws {
        self.address = address
        self.credential = credential
        self.workers = workers
        self.reactor = reactor
        tls =
            address.isEncrypted
            ? try TLSConnector(
                to: address.host,
                with: ClientCredentials(authorities: authorities.map { .only($0) } ?? .system),
                reactor: reactor) : nil
    }

    func openStream() async throws -> any AgentStream {
        ConnectCall(try await call(AgentV1.AgentServiceMethods.connect.path))
    }

    /// Registers the agent of a server.
    /// - Throws: `RPCStatus`, and what keeps from connecting.
    func register(_ request: AgentV1.RegisterRequest) async throws -> AgentV1.RegisterResponse {
        let call = try await call(AgentV1.AgentServiceMethods.register.path)
        let timer = reactor.schedule(after: ControlPlaneCaller.registrationMax) { call.close() }
        defer { timer.cancel() }
        try await call.send(request)
        call.finishSending()
        guard let response = try await call.next(AgentV1.RegisterResponse.self) else {
            throw RPCStatus(.internal, "the control plane did not answer")
        }
        // The connection goes with the call.
        call.close()
        return response
    }

    private func call(_ path: String) async throws -> ControlPlaneCall {
        let (host, port) = (address.host, address.port)
        let addresses = try await workers.run { try HostAddresses.resolve(host, port: port) }
        turn += 1
        let name = host.contains(":") ? "[\(host)]" : host
        return try ControlPlaneCall(
            ControlPlaneCall.Target(
                address: addresses[turn % addresses.count], authority: "\(name):\(port)", tls: tls,
                path: path, credential: credential), reactor: reactor)
    }
}

private final class ConnectCall: AgentStream {
    private let call: ControlPlaneCall

    init(_ call: ControlPlaneCall) { self.call = call }

    func send(_ message: AgentV1.ConnectRequest) async throws { try await call.send(message) }
    func next() async throws -> AgentV1.ConnectResponse? { try await call.next() }
    func close() { call.close() }
}
