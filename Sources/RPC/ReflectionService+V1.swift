import Messages
import StandardMessages

extension GRPCReflectionV1.ServerReflectionRequest.MessageRequest {
    var question: ReflectionQuestion {
        switch self {
        case .fileByFilename(let name): .file(name)
        case .fileContainingSymbol(let name): .symbol(name)
        case .fileContainingExtension(let request):
            .extension(request.extensionNumber, of: request.containingType)
        case .allExtensionNumbersOfType(let type): .extensionNumbers(of: type)
        case .listServices: .services
        }
    }
}

extension GRPCReflectionV1.ServerReflectionResponse {
    init(_ answer: ReflectionAnswer, to request: GRPCReflectionV1.ServerReflectionRequest) {
        self.init()
        validHost = request.host
        originalRequest = request
        switch answer {
        case .files(let files):
            messageResponse = .fileDescriptorResponse(.with { $0.fileDescriptorProto = files })
        case .extensionNumbers(let type, let numbers):
            messageResponse = .allExtensionNumbersResponse(
                .with {
                    $0.baseTypeName = type
                    $0.extensionNumber = numbers
                }
            )
        case .services(let names):
            messageResponse = .listServicesResponse(
                .with { $0.service = names.map { name in .with { $0.name = name } } }
            )
        case .error(let code, let message):
            messageResponse = .errorResponse(
                .with {
                    $0.errorCode = Int32(code.rawValue)
                    $0.errorMessage = message
                }
            )
        }
    }
}
