/// A volume that exists.
public struct VolumeDetails: Equatable, Sendable {
    /// The name.
    public let name: String
    /// The driver, such as `local`.
    public let driver: String
    /// Where its files are on the machine.
    public let mountpoint: String
    /// Labels.
    public let labels: [String: String]
    /// When it was made (RFC 3339), if told.
    public let createdAt: String?

    init(answer: JSON) throws(MalformedAnswer) {
        name = try answer.text("Name")
        driver = try answer.text("Driver")
        mountpoint = try answer.text("Mountpoint")
        labels = try answer.texts("Labels")
        createdAt = answer["CreatedAt"]?.string
    }
}

extension DockerRequest {
    static func inspectVolume(_ name: String) -> DockerRequest {
        DockerRequest("inspect volume", .get, "/volumes/\(encoded(name))")
    }

    static func createVolume(_ name: String, labels: [String: String]) -> DockerRequest {
        DockerRequest(
            "create volume", .post, "/volumes/create",
            body: .json(
                ["Name": .string(name), "Driver": "local", "Labels": .strings(labels)]))
    }

    static func removeVolume(_ name: String) -> DockerRequest {
        DockerRequest("remove volume", .delete, "/volumes/\(encoded(name))")
    }

    static func listVolumes(labels: [String: String]) -> DockerRequest {
        DockerRequest(
            "list volumes", .get, "/volumes", query: filters(["label": labelFilters(labels)]))
    }
}

extension DockerClient {
    /// The volume of that name; nil when there is none.
    /// - Throws: ``DockerError``.
    public func volume(
        _ name: String, deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> VolumeDetails? {
        try await find(.inspectVolume(name), deadline: deadline, VolumeDetails.init(answer:))
    }

    /// Makes a local volume. One of that name that exists is left as it is, labels included, and
    /// given back: look at the labels.
    /// - Throws: ``DockerError``.
    public func createVolume(
        _ name: String, labels: [String: String] = [:],
        deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) -> VolumeDetails {
        try await call(
            .createVolume(name, labels: labels), deadline: deadline, VolumeDetails.init(answer:))
    }

    /// Removes a volume and all that is in it.
    /// - Returns: Whether there was one.
    /// - Throws: ``DockerError``: a conflict when a container, even a stopped one, uses it.
    @discardableResult
    public func removeVolume(
        _ name: String, deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) -> Bool {
        try await remove(.removeVolume(name), deadline: deadline)
    }

    /// The volumes that have all of these labels.
    /// - Throws: ``DockerError``.
    public func volumes(
        labels: [String: String], deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> [VolumeDetails] {
        try await call(.listVolumes(labels: labels), deadline: deadline) {
            (answer) throws(MalformedAnswer) in
            try answer.elements("Volumes", VolumeDetails.init(answer:)).having(labels)
        }
    }
}
