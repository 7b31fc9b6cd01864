import BerthMessages
public import Domain
public import RPC
import StandardMessages

/// `berth.controlplane.v1.ServerService`: messages to domain values and back, nothing else.
public struct ServerHandler {
    private let module: AgentsModule
    private let caller: (CallContext) throws -> CallerContext

    /// Serves the module's use cases.
    ///
    /// - Parameter caller: Reads who calls from a call's metadata.
    public init(
        _ module: AgentsModule, caller: @escaping (CallContext) throws -> CallerContext
    ) {
        self.module = module
        self.caller = caller
    }

    /// Adds every method to the router.
    public func register(on router: Router) {
        typealias Methods = BerthV1.ServerServiceMethods
        router.register(Methods.createServer) { request, call in
            var response = BerthV1.CreateServerResponse()
            response.server = BerthV1.Server(
                try await module.createServer(
                    workspaceID: request.workspaceID, name: request.name,
                    caller: try caller(call)))
            return response
        }
        router.register(Methods.getServer) { request, call in
            var response = BerthV1.GetServerResponse()
            response.server = BerthV1.Server(
                try await module.getServer(id: request.serverID, caller: try caller(call)))
            return response
        }
        router.register(Methods.listServers) { request, call in
            let page = try await module.listServers(
                workspaceID: request.workspaceID, pageSize: request.pageSize,
                pageToken: request.pageToken, caller: try caller(call))
            var response = BerthV1.ListServersResponse()
            response.servers = page.elements.map { BerthV1.Server($0) }
            response.nextPageToken = page.nextToken
            return response
        }
        router.register(Methods.createRegistrationToken) { request, call in
            let token = try await module.createRegistrationToken(
                serverID: request.serverID, caller: try caller(call))
            var response = BerthV1.CreateRegistrationTokenResponse()
            response.registrationToken = token.secret.text.revealed
            response.expireTime = GoogleProtobuf.Timestamp(token.expiresAt)
            return response
        }
    }
}

extension BerthV1.Server {
    init(_ server: Server) {
        self.init()
        id = server.id.description
        workspaceID = server.workspaceID.description
        name = server.name
        createTime = GoogleProtobuf.Timestamp(server.createdAt)
        guard let agent = server.agent else { return }
        registered = true
        online = agent.isOnline
        lastSeenTime = agent.lastSeenAt.map { GoogleProtobuf.Timestamp($0) }
        agentVersion = agent.version
        hostname = agent.host.hostname
        operatingSystem = agent.host.operatingSystem
        architecture = agent.host.architecture
        dockerVersion = agent.host.dockerVersion
        processors = agent.host.processors
        memoryTotalBytes = agent.host.memoryTotalBytes
        memoryAvailableBytes = agent.host.memoryAvailableBytes
        diskTotalBytes = agent.host.diskTotalBytes
        diskAvailableBytes = agent.host.diskAvailableBytes
        streamEndReason = agent.streamEnd?.text ?? ""
        streamEndTime = agent.streamEnd.map { GoogleProtobuf.Timestamp($0.at) }
        lastRefusal = agent.refusal?.text ?? ""
        lastRefusalTime = agent.refusal.map { GoogleProtobuf.Timestamp($0.at) }
        orphanCount = agent.orphanCount
        orphans = server.orphans.map { BerthV1.Orphan($0) }
    }
}

extension BerthV1.Orphan {
    fileprivate init(_ orphan: ServerOrphan) {
        self.init()
        kind =
            switch orphan.kind {
            case .container: .container
            case .volume: .volume
            case .network: .network
            }
        name = orphan.name
    }
}
