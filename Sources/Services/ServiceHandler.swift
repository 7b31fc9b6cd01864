import BerthMessages
public import Domain
public import RPC

/// `berth.controlplane.v1.ServiceService`: messages to domain values and back, nothing else.
public struct ServiceHandler {
    private let module: ServicesModule
    private let caller: (CallContext) throws -> CallerContext

    /// Serves the module's use cases.
    ///
    /// - Parameter caller: Reads who calls from a call's metadata.
    public init(
        _ module: ServicesModule, caller: @escaping (CallContext) throws -> CallerContext
    ) {
        self.module = module
        self.caller = caller
    }

    /// Adds every method to the router.
    public func register(on router: Router) {
        typealias Methods = BerthV1.ServiceServiceMethods
        router.register(Methods.createDatabaseService) { request, call in
            try await create(request, try caller(call))
        }
        router.register(Methods.getService) { request, call in
            var response = BerthV1.GetServiceResponse()
            response.service = BerthV1.Service(
                try await module.getService(id: request.serviceID, caller: try caller(call)))
            return response
        }
        router.register(Methods.listServices) { request, call in
            let page = try await module.listServices(
                of: ListServices.Parent(request.scope), pageSize: request.pageSize,
                pageToken: request.pageToken, caller: try caller(call))
            var response = BerthV1.ListServicesResponse()
            response.services = page.elements.map { BerthV1.Service($0) }
            response.nextPageToken = page.nextToken
            return response
        }
        router.register(Methods.deleteService) { request, call in
            var response = BerthV1.DeleteServiceResponse()
            response.service = BerthV1.Service(
                try await module.deleteService(id: request.serviceID, caller: try caller(call)))
            return response
        }
        router.register(Methods.undeleteService) { request, call in
            let (status, deploymentID) = try await module.undeleteService(
                id: request.serviceID, caller: try caller(call))
            var response = BerthV1.UndeleteServiceResponse()
            response.service = BerthV1.Service(status)
            response.deploymentID = deploymentID?.description ?? ""
            return response
        }
        router.register(Methods.watchServices) { request, writer, call in
            call.changesNothing = true
            try await module.watchServices(
                environmentID: request.environmentID, caller: try caller(call)
            ) { services in
                var response = BerthV1.WatchServicesResponse()
                response.services = services.map { BerthV1.Service($0) }
                try await writer.write(response)
            }
        }
        router.register(Methods.revealConnection) { request, call in
            BerthV1.RevealConnectionResponse(
                try await module.revealConnection(
                    id: request.serviceID, caller: try caller(call)))
        }
        router.register(Methods.listDatabaseTemplates) { _, call in
            var response = BerthV1.ListDatabaseTemplatesResponse()
            response.templates = try await module.listDatabaseTemplates(caller: try caller(call))
                .map { BerthV1.DatabaseTemplate($0) }
            return response
        }
    }

    private func create(
        _ message: BerthV1.CreateDatabaseServiceRequest, _ caller: CallerContext
    ) async throws -> BerthV1.CreateDatabaseServiceResponse {
        let created = try await module.createDatabase(
            CreateDatabaseRequest(
                environmentID: message.environmentID, name: message.name,
                templateID: message.templateID, serverID: message.serverID,
                deployNow: message.deployNow, requestID: message.requestID,
                databaseName: message.databaseName, username: message.username,
                password: SecretText(message.password)),
            caller: caller)
        var response = BerthV1.CreateDatabaseServiceResponse()
        response.service = BerthV1.Service(created.status)
        response.deploymentID = created.deploymentID?.description ?? ""
        response.connectionURI = created.connectionURI.revealed
        return response
    }
}
