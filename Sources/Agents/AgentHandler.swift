import BerthMessages
public import Domain
public import RPC

/// `berth.agent.v1.AgentService`: messages to domain values and back, and the signatures over them.
public struct AgentHandler {
    private let module: AgentsModule
    private let gateway: AgentGateway
    private let caller: (CallContext) throws -> CallerContext
    private let isPrivate: (CallContext) -> Bool

    /// Serves agents.
    ///
    /// - Parameters:
    ///   - caller: Reads who calls from a call's metadata.
    ///   - isPrivate: Whether nobody on the way can read a call's secrets.
    public init(
        _ module: AgentsModule, gateway: AgentGateway,
        caller: @escaping (CallContext) throws -> CallerContext,
        isPrivate: @escaping (CallContext) -> Bool
    ) {
        self.module = module
        self.gateway = gateway
        self.caller = caller
        self.isPrivate = isPrivate
    }

    /// Adds every method to the router.
    public func register(on router: Router) {
        router.register(AgentV1.AgentServiceMethods.register) { request, call in
            try await register(request, call)
        }
        router.register(AgentV1.AgentServiceMethods.connect) { requests, responses, call in
            try requirePrivacy(call)
            let link = AgentRPCLink(
                requests, responses, callID: call.requestID, module: module,
                limits: gateway.needs.limits)
            try await gateway.serve(link, try caller(call).credential)
        }
    }

    private func register(
        _ request: AgentV1.RegisterRequest, _ call: CallContext
    ) async throws -> AgentV1.RegisterResponse {
        try requirePrivacy(call)
        let registered = try await module.registerAgent(
            token: SecretText(request.registrationToken), publicKey: request.publicKey,
            agentVersion: request.agentVersion, callID: call.requestID)
        var response = AgentV1.RegisterResponse()
        response.serverID = registered.serverID.description
        response.serverName = registered.serverName
        response.credential = registered.credential.revealed
        response.controlPlanePublicKey = registered.controlPlanePublicKey
        return response
    }

    private func requirePrivacy(_ call: CallContext) throws {
        guard isPrivate(call) else {
            throw Problem(
                .failedPrecondition, "an agent on another machine needs TLS to call this server")
        }
    }
}
