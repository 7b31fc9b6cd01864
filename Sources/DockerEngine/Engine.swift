import EventLoops

/// Which engine answers.
public struct EngineVersion: Equatable, Sendable {
    /// The engine's own version, such as `20.10.24`.
    public let version: String
    /// The newest version of the API that it serves.
    public let apiVersion: APIVersion
    /// The oldest that it serves.
    public let apiVersionMin: APIVersion
    /// Such as `linux`.
    public let operatingSystem: String
    /// Such as `amd64`.
    public let architecture: String
    /// Whether it is Podman behind Docker's API: there containers ask the machine, at their bridge's
    /// gateway, for each other's names.
    public let isPodman: Bool

    init(answer: JSON) throws(MalformedAnswer) {
        version = try answer.text("Version")
        isPodman = (answer["Components"]?.array ?? [])
            .contains { $0["Name"]?.string == "Podman Engine" }
        guard let newest = APIVersion(try answer.text("ApiVersion")) else {
            throw MalformedAnswer(field: "ApiVersion")
        }
        apiVersion = newest
        apiVersionMin = answer["MinAPIVersion"]?.string.flatMap { APIVersion($0) } ?? newest
        operatingSystem = answer["Os"]?.string ?? ""
        architecture = answer["Arch"]?.string ?? ""
    }
}

/// What the engine says of itself and of its machine.
public struct EngineInformation: Equatable, Sendable {
    /// The engine's own version.
    public let version: String
    /// The machine's host name.
    public let hostName: String
    /// The distribution, such as `Debian GNU/Linux 12 (bookworm)`.
    public let operatingSystem: String
    /// The kernel's version.
    public let kernelVersion: String
    /// Such as `x86_64`.
    public let architecture: String
    /// How layers are kept, such as `overlay2`.
    public let storageDriver: String
    /// The folder of images, containers and volumes; its file system is the disk that fills up.
    public let dataRoot: String
    /// Bytes of the machine's memory.
    public let memoryBytes: Int64
    /// The number of processors.
    public let processors: Int64
    /// Containers that run.
    public let containersRunning: Int64
    /// Whether CPU, memory and process limits are enforced here, as far as the engine knows.
    public let enforcesLimits: Bool

    init(answer: JSON) throws(MalformedAnswer) {
        version = try answer.text("ServerVersion")
        hostName = answer["Name"]?.string ?? ""
        operatingSystem = answer["OperatingSystem"]?.string ?? ""
        kernelVersion = answer["KernelVersion"]?.string ?? ""
        architecture = answer["Architecture"]?.string ?? ""
        storageDriver = answer["Driver"]?.string ?? ""
        dataRoot = answer["DockerRootDir"]?.string ?? ""
        memoryBytes = try answer.number("MemTotal")
        processors = try answer.number("NCPU")
        containersRunning = answer["ContainersRunning"]?.integer ?? 0
        enforcesLimits = ["MemoryLimit", "PidsLimit", "CpuCfsQuota"].allSatisfy {
            answer[$0]?.bool ?? true
        }
    }
}

extension DockerRequest {
    /// `GET /_ping`.
    static func ping() -> DockerRequest { DockerRequest("ping", .get, "/_ping") }
    /// `GET /version`.
    static func version() -> DockerRequest { DockerRequest("read the version", .get, "/version") }
    /// `GET /info`.
    static func information() -> DockerRequest {
        DockerRequest("read the engine's information", .get, "/info")
    }
}

extension DockerClient {
    /// Asks whether the engine answers (`GET /_ping`), over a new connection: one that was told to end
    /// refuses those at once, and answers on the others while it stops its containers.
    /// - Throws: ``DockerError``.
    public func ping(deadline: Duration = DockerLimits.shortDeadline) async throws(DockerError) {
        _ = try await send(
            .ping(), until: Instant.now().advanced(by: deadline), isVersioned: false,
            isOverNewConnection: true)
    }

    /// Which engine this is (`GET /version`).
    /// - Throws: ``DockerError``.
    public func version(
        deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> EngineVersion {
        try await version(until: Instant.now().advanced(by: deadline))
    }

    /// What the engine says of itself and its machine (`GET /info`).
    /// - Throws: ``DockerError``.
    public func information(
        deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> EngineInformation {
        try await call(.information(), deadline: deadline, EngineInformation.init(answer:))
    }
}
