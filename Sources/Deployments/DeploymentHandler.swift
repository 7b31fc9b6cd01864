import BerthMessages
public import Domain
public import RPC

/// `berth.controlplane.v1.DeploymentService`: messages to domain values and back, nothing else.
public struct DeploymentHandler {
    private let module: DeploymentsModule
    private let caller: (CallContext) throws -> CallerContext

    /// Serves the module's use cases.
    ///
    /// - Parameter caller: Reads who calls from a call's metadata.
    public init(
        _ module: DeploymentsModule, caller: @escaping (CallContext) throws -> CallerContext
    ) {
        self.module = module
        self.caller = caller
    }

    private typealias Methods = BerthV1.DeploymentServiceMethods

    /// Adds every method to the router.
    public func register(on router: Router) {
        registerReads(on: router)
        registerWrites(on: router)
        registerStreams(on: router)
    }

    private func registerReads(on router: Router) {
        router.register(Methods.getDeployment) { request, call in
            var response = BerthV1.GetDeploymentResponse()
            response.deployment = BerthV1.Deployment(
                try await module.getDeployment(
                    id: request.deploymentID, caller: try caller(call)))
            return response
        }
        router.register(Methods.listDeployments) { request, call in
            let page = try await module.listDeployments(
                serviceID: request.serviceID, pageSize: request.pageSize,
                pageToken: request.pageToken, caller: try caller(call))
            var response = BerthV1.ListDeploymentsResponse()
            response.deployments = page.elements.map { BerthV1.Deployment($0) }
            response.nextPageToken = page.nextToken
            return response
        }
    }

    private func registerWrites(on router: Router) {
        router.register(Methods.deployService) { request, call in
            var response = BerthV1.DeployServiceResponse()
            response.deployment = BerthV1.Deployment(
                try await module.deployService(
                    id: request.serviceID, serverID: request.serverID, caller: try caller(call)))
            return response
        }
        router.register(Methods.redeployService) { request, call in
            var response = BerthV1.RedeployServiceResponse()
            response.deployment = BerthV1.Deployment(
                try await module.redeployService(
                    id: request.serviceID, caller: try caller(call)))
            return response
        }
        router.register(Methods.restartService) { request, call in
            try await module.restartService(id: request.serviceID, caller: try caller(call))
            return BerthV1.RestartServiceResponse()
        }
        router.register(Methods.cancelDeployment) { request, call in
            var response = BerthV1.CancelDeploymentResponse()
            response.deployment = BerthV1.Deployment(
                try await module.cancelDeployment(
                    id: request.deploymentID, caller: try caller(call)))
            return response
        }
    }

    private func registerStreams(on router: Router) {
        router.register(Methods.watchDeployment) { request, writer, call in
            call.changesNothing = true
            try await module.watchDeployment(
                id: request.deploymentID, caller: try caller(call)
            ) { history in
                var response = BerthV1.WatchDeploymentResponse()
                response.deployment = BerthV1.Deployment(history)
                try await writer.write(response)
            }
        }
        router.register(Methods.tailLogs) { request, writer, call in
            call.changesNothing = true
            try await module.tailLogs(
                id: request.serviceID, tailLines: request.tailLines, follow: request.follow,
                caller: try caller(call)
            ) { lines in
                var response = BerthV1.TailLogsResponse()
                response.lines = lines.map { BerthV1.LogLine($0) }
                try await writer.write(response)
            }
        }
    }
}
