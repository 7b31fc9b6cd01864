import BerthMessages
import Messages
import PostgresClient
import RPC

/// Keeps a record of what each call commits, for ``status(for:)``.
enum CommitRecording {
    // No capture list: see ``TokenCallLimit``.
    static var interceptor: Interceptor {
        { context, proceed in
            // An agent's stream commits as long as it lives, and its agent asks again anyway.
            guard context.methodPath != AgentV1.AgentServiceMethods.connect.path else {
                return try await proceed(context)
            }
            try await record(context, proceed)
        }
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
