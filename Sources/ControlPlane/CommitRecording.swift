import BerthMessages
import Messages
import PostgresClient
import RPC

/// Keeps a record of what each call commits, for ``status(for:)``.
enum CommitRecording {
    // No capture list: with one, Swift 6.3 runs an async closure off its caller's isolation, and every
    // await inside would hop between the loop and nowhere.
    static var interceptor: Interceptor {
        { context, proceed in try await record(context, proceed) }
    }

    /// Whether a method may commit something that its caller asks about: health and reflection never do, and
    /// an agent's stream does as long as it lives, while its agent asks again anyway.
    static func concerns(_ methodPath: String) -> Bool {
        methodPath.hasPrefix("/berth.") && methodPath != AgentV1.AgentServiceMethods.connect.path
    }

    private static func record(
        _ context: CallContext, _ proceed: (CallContext) async throws -> Void,
        isolation: isolated (any Actor)? = #isolation
    ) async throws {
        try await CommitRecord.$current.withValue(CommitRecord()) {
            // Keeps the closure on the loop; else each await in it would leave and come back.
            _ = isolation
            try await proceed(context)
        }
    }
}
