import Cryptography
import Domain

/// One forward-only step of the schema.
struct Migration {
    /// Its place in the order, from 1, without gaps.
    let version: Int32
    /// What it is called, such as `spine`.
    let name: String
    /// The SQL, run as one transaction.
    let sql: String
    /// The SHA-256 of the SQL, in hexadecimal: a step that was applied must never change.
    let checksum: String

    init(version: Int32, name: String, bytes: [UInt8]) throws {
        self.version = version
        self.name = name
        sql = String(decoding: bytes, as: UTF8.self)
        checksum = Hexadecimal.text(try SHA256Digest.of(bytes))
    }

    /// Every step, in order.
    static func all() throws -> [Migration] {
        [
            try Migration(version: 1, name: "spine", bytes: PackageResources._001_spine_sql),
            try Migration(
                version: 2, name: "create-requests",
                bytes: PackageResources._002_create_requests_sql),
            try Migration(
                version: 3, name: "deployments-at-home",
                bytes: PackageResources._003_deployments_at_home_sql),
            try Migration(
                version: 4, name: "drop-scopes", bytes: PackageResources._004_drop_scopes_sql),
            try Migration(version: 5, name: "agents", bytes: PackageResources._005_agents_sql),
            try Migration(
                version: 6, name: "deployment-engine",
                bytes: PackageResources._006_deployment_engine_sql),
            try Migration(
                version: 7, name: "undo-and-release",
                bytes: PackageResources._007_undo_and_release_sql),
            try Migration(
                version: 8, name: "what-is-held-back",
                bytes: PackageResources._008_what_is_held_back_sql),
        ]
    }
}
