import EventLoops

/// An image that is on the machine.
public struct ImageDetails: Equatable, Sendable {
    /// The id, `sha256:` and 64 digits: the digest of its configuration.
    public let id: String
    /// Names with tags.
    public let tags: [String]
    /// Names with the digest by which a registry knows it; empty for one that was built here.
    public let digests: [String]
    /// Bytes of its layers.
    public let sizeBytes: Int64
    /// Such as `amd64`.
    public let architecture: String
    /// Labels.
    public let labels: [String: String]
    /// `NAME=value` of its environment.
    public let environment: [String]
    /// Paths for which Docker makes a nameless volume when nothing is mounted there.
    public let volumes: [String]

    init(answer: JSON) throws(MalformedAnswer) {
        id = try answer.text("Id")
        tags = try answer.list("RepoTags")
        digests = try answer.list("RepoDigests")
        sizeBytes = try answer.number("Size")
        architecture = answer["Architecture"]?.string ?? ""
        let configuration: JSON = answer["Config"] ?? [:]
        labels = try configuration.texts("Labels")
        environment = try configuration.list("Env")
        volumes = (configuration["Volumes"]?.members ?? []).map(\.name)
    }
}

/// One step of a pull, as the engine reports it.
public struct PullProgress: Equatable, Sendable {
    /// Such as `Downloading` or `Pull complete`.
    public let status: String
    /// The layer that it is about, if any.
    public let layer: String?
    /// Bytes done of this step, if told.
    public let doneBytes: Int64?
    /// Bytes to do, if told.
    public let totalBytes: Int64?
}

extension DockerRequest {
    static func inspectImage(_ name: String) -> DockerRequest {
        // The engine takes a name's slashes as they are.
        DockerRequest("inspect image", .get, "/images/\(encoded(name, keeping: "/:@"))/json")
    }

    static func pullImage(_ image: ImageReference) -> DockerRequest {
        DockerRequest(
            "pull image", .post, "/images/create",
            query: [
                QueryItem("fromImage", image.repository),
                QueryItem("tag", image.digest ?? image.tag ?? "latest"),
            ])
    }

    static func tagImage(_ source: String, as image: ImageReference) -> DockerRequest {
        DockerRequest(
            "tag image", .post, "/images/\(encoded(source, keeping: "/:@"))/tag",
            query: [
                QueryItem("repo", image.repository), QueryItem("tag", image.tag ?? "latest"),
            ])
    }
}

extension DockerClient {
    /// The image of that name or id; nil when it is not on the machine.
    /// - Throws: ``DockerError``.
    public func image(
        _ name: String, deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> ImageDetails? {
        try await find(.inspectImage(name), deadline: deadline, ImageDetails.init(answer:))
    }

    /// Fetches an image from its registry.
    ///
    /// - Parameter progress: Called on the loop with each step as it is reported.
    /// - Throws: ``DockerError``: not found or `.failed`, with the registry's message.
    public func pullImage(
        _ image: ImageReference, deadline: Duration = DockerLimits.pullDeadline,
        progress: (PullProgress) -> Void = { _ in }
    ) async throws(DockerError) {
        let deadline = Instant.now().advanced(by: deadline)
        let request = DockerRequest.pullImage(image)
        let lines = JSONLineStream(
            try await open(request, until: deadline), lineBytesMax: limits.lineBytesMax)
        defer { lines.close() }
        while let line = try await lines.next(until: deadline) {
            if let reason = line["errorDetail"]?["message"]?.string ?? line["error"]?.string {
                throw DockerError(.failed, operation: request.operation, message: reason)
            }
            guard let status = line["status"]?.string else { continue }
            let detail = line["progressDetail"]
            progress(
                PullProgress(
                    status: status, layer: line["id"]?.string,
                    doneBytes: detail?["current"]?.integer,
                    totalBytes: detail?["total"]?.integer))
        }
    }

    /// Gives an image another name.
    /// - Throws: ``DockerError``: not found.
    public func tagImage(
        _ source: String, as image: ImageReference,
        deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) {
        try await run(.tagImage(source, as: image), deadline: deadline)
    }
}
