import BerthMessages
import EventLoops
import HTTP2
import InteropMessages
import Logging
import RPC
import StandardMessages
import TLS

/// Everything that the program serves: the test service, health and reflection.
final class InteropService {
    private let server: GRPCServer
    private let health: HealthService
    private let reflection: ReflectionService
    private let tls: TLSAcceptor?

    init(
        reactor: Reactor, tls credentials: ServerCredentials?, limits: ServerLimits,
        logger: Logger
    ) throws {
        let router = Router()
        router.observe(.callLog(logger))
        router.intercept(MetadataEcho.interceptor)
        health = HealthService(reactor: reactor)
        health.register(on: router)
        health.set(.serving, for: GRPCTesting.TestServiceMethods.serviceName)
        // Sets of descriptors are put together by putting their bytes together.
        reflection = try ReflectionService(
            fileDescriptorSet: BerthDescriptors.fileDescriptorSet
                + InteropDescriptors.fileDescriptorSet)
        reflection.register(on: router)
        TestService(reactor: reactor).register(on: router)
        server = GRPCServer(reactor: reactor, router: router, limits: limits, logger: logger)
        tls = try credentials.map { try TLSAcceptor($0, reactor: reactor) }
        tls?.handshakeFailed = { error in
            logger.debug("TLS handshake failed", metadata: ["error": "\(error)"])
        }
    }

    /// Takes connections; for a loopback address on the other kind of loopback as well, since
    /// clients read `localhost` either way.
    ///
    /// - Parameter sharesPort: Whether another loop of this process listens there already.
    func listen(on address: SocketAddress, sharesPort: Bool = false) throws -> SocketAddress {
        let listening = try listenOnly(on: address, sharesPort)
        let other = address.family == .v4 ? "::1" : "127.0.0.1"
        if address.isLoopback, let other = SocketAddress(host: other, port: listening.port) {
            // The machine may have no such address, or another program the port.
            _ = try? listenOnly(on: other, sharesPort)
        }
        return listening
    }

    private func listenOnly(
        on address: SocketAddress, _ sharesPort: Bool
    ) throws -> SocketAddress {
        if !sharesPort { try Listener.refuseIfTaken(address) }
        guard let tls else { return try server.listen(on: address) }
        return try server.listen(on: address) { try tls.stream(over: $0) }
    }

    /// Refuses new work and lets running calls finish.
    func drain(grace: Duration) async {
        health.stop()
        await server.drain(grace: grace)
    }
}
