import BerthMessages
import Messages
import StandardMessages

/// The message types that the fuzzer's first byte chooses from. Append only: the corpus depends on the
/// order.
let fuzzedMessages: [@Sendable (Input) throws -> Void] = [
    { try $0.check(BerthV1.CreateDatabaseServiceRequest.self) },
    { try $0.check(BerthV1.CreateDatabaseServiceResponse.self) },
    { try $0.check(BerthV1.ListServicesRequest.self) },
    { try $0.check(BerthV1.ListServicesResponse.self) },
    { try $0.check(BerthV1.ListDeploymentsResponse.self) },
    { try $0.check(BerthV1.ListConfigRequest.self) },
    { try $0.check(BerthV1.ListConfigResponse.self) },
    { try $0.check(BerthV1.RevealConnectionResponse.self) },
    { try $0.check(BerthV1.ListDatabaseTemplatesResponse.self) },
    { try $0.check(GoogleRPC.Status.self) },
    { try $0.check(GoogleRPC.ErrorInfo.self) },
    { try $0.check(GoogleRPC.BadRequest.self) },
    { try $0.check(GRPCHealthV1.HealthListResponse.self) },
    { try $0.check(GRPCReflectionV1.ServerReflectionRequest.self) },
    { try $0.check(GRPCReflectionV1.ServerReflectionResponse.self) },
    { try $0.check(GRPCReflectionV1.FileDescriptorResponse.self) },
    { try $0.check(GRPCReflectionV1.ExtensionNumberResponse.self) },
]
