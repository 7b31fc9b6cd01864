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

    /// Adds every method to the router.
    public func register(on router: Router) {
        typealias Methods = BerthV1.DeploymentServiceMethods
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
}
