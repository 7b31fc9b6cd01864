import BerthMessages
public import Domain
public import RPC
import StandardMessages

/// `berth.controlplane.v1.ConfigService`: messages to domain values and back, nothing else.
public struct ConfigHandler {
    private let module: ConfigModule
    private let caller: (CallContext) throws -> CallerContext

    /// Serves the module's use cases.
    ///
    /// - Parameter caller: Reads who calls from a call's metadata.
    public init(_ module: ConfigModule, caller: @escaping (CallContext) throws -> CallerContext) {
        self.module = module
        self.caller = caller
    }

    /// Adds every method to the router.
    public func register(on router: Router) {
        router.register(BerthV1.ConfigServiceMethods.listConfig) { request, call in
            var response = BerthV1.ListConfigResponse()
            response.entries = try await module.listConfig(
                of: ListConfig.Parent(request.scope), caller: try caller(call)
            ).map { BerthV1.ConfigEntry($0) }
            return response
        }
    }
}

extension ListConfig.Parent {
    fileprivate init(_ scope: BerthV1.ListConfigRequest.Scope?) {
        self =
            switch scope {
            case .serviceID(let id): .service(id)
            case .environmentID(let id): .environment(id)
            case nil: .missing
            }
    }
}

extension BerthV1.ConfigEntry {
    fileprivate init(_ entry: ConfigEntry) {
        self.init()
        key = entry.key
        switch entry.content {
        case .variable(let text):
            kind = .variable
            value = text
        case .secret:
            kind = .secret
        }
        scope =
            switch entry.scope {
            case .service(let id): .serviceID(id.description)
            case .environment(let id): .environmentID(id.description)
            }
        updateTime = GoogleProtobuf.Timestamp(entry.updatedAt)
    }
}
