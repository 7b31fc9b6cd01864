/// A version of the Docker Engine API, such as 1.41.
public struct APIVersion: Comparable, Hashable, Sendable, CustomStringConvertible {
    /// The number before the point.
    public let major: Int
    /// The number behind it.
    public let minor: Int

    /// Makes a version.
    public init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `1.41`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]),
            major >= 0, minor >= 0
        else { return nil }
        self.init(major, minor)
    }

    /// The oldest that we speak: Docker 20.10 and Podman 4.
    public static let oldest = APIVersion(1, 41)
    /// The newest that we know; a newer engine is spoken to by this one.
    public static let newest = APIVersion(1, 47)

    /// The version to speak with an engine that serves `minimum` to `maximum`; nil without one.
    static func negotiated(minimum: APIVersion, maximum: APIVersion) -> APIVersion? {
        let version = min(maximum, newest)
        return version >= max(minimum, oldest) ? version : nil
    }

    /// Whether `left` is older.
    public static func < (left: APIVersion, right: APIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    /// Such as `1.41`.
    public var description: String { "\(major).\(minor)" }
}
