import RPC

/// Sends two fields of the request's metadata back: one before the responses, one with the status.
enum MetadataEcho {
    static var interceptor: Interceptor {
        { context, proceed in
            if let value = context.metadata[initialName] {
                context.initialMetadata.append(initialName, value)
            }
            for value in try context.metadata.binaryValues(trailingName) {
                context.trailingMetadata.append(trailingName, binary: value)
            }
            try await proceed(context)
        }
    }

    private static let initialName = "x-grpc-test-echo-initial"
    private static let trailingName = "x-grpc-test-echo-trailing-bin"
}
