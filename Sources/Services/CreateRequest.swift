public import Domain
public import PostgresClient

/// What a create request is remembered by, and what tells the same request from another.
public struct CreateRequestKey: Hashable, Sendable {
    /// The workspace that the call was authorized in.
    public let workspaceID: WorkspaceID
    /// Who called; a request id means nothing to anyone else.
    public let userID: UserID
    /// The caller's own id of the request.
    public let requestID: String
    /// The HMAC of everything that was asked for; 32 bytes.
    public let fingerprint: [UInt8]
}

/// A create request that was answered before.
public struct StoredCreateRequest: Hashable, Sendable {
    /// The HMAC of everything that was asked for.
    public let fingerprint: [UInt8]
    /// The service that it made.
    public let serviceID: ServiceID
    /// The deployment that it made, if any.
    public let deploymentID: DeploymentID?
    /// When it was answered.
    public let createdAt: Timestamp
}

/// A request with that id was committed before: nothing of this one was.
public struct CreateRequestRepeated: Error {
    /// Made by a store whose key is taken.
    public init() {}
}

/// A request with that id was committed before, and what it made could not be read now.
///
/// Told apart from the cause alone: "nothing was written" would be true of this call and a lie about
/// what its caller asks.
public struct CreateRequestUnread: Error {
    /// Why it could not be read.
    public let cause: PostgresError
}

/// How long requests are remembered.
public enum CreateRequestMemory {
    /// After that a request id is free again.
    public static let duration = Duration.seconds(24 * 60 * 60)
    /// The rows that one sweep forgets at most, so that no sweep holds locks for long.
    public static let sweepBatchMax = 500
}

extension CreateDatabaseRequest {
    /// The request as bytes, each field after its length, so that no two requests make the same.
    ///
    /// Ids count by value and blank credentials as empty: what means the same is the same.
    var canonicalBytes: [UInt8] {
        let fields = [
            EnvironmentID(environmentID)?.description ?? environmentID, name, templateID,
            ServerID(serverID)?.description ?? serverID, deployNow ? "1" : "0",
            isBlank(databaseName) ? "" : databaseName, isBlank(username) ? "" : username,
            isBlank(password.revealed) ? "" : password.revealed,
        ]
        return fields.flatMap { field in
            let bytes = Array(field.utf8)
            let count = UInt32(truncatingIfNeeded: bytes.count)
            return (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + bytes
        }
    }
}
