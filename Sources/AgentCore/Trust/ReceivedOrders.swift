import BerthMessages
import Domain
import StandardMessages

// Each initializer gives nil for an order that no control plane of ours sends. The signature says who
// wrote it, and these checks that a fault there cannot become a strange container here.

extension DeployOrder {
    init?(_ message: AgentV1.DeployJob) {
        guard let environment = EnvironmentID(message.environmentID),
            let deployment = DeploymentID(message.deploymentID), isHostName(message.slug),
            !message.image.isEmpty, (1...65_535).contains(message.port),
            let volume = message.volume.flatMap({ VolumeOrder($0) }),
            let probe = message.probe.flatMap({ LoginProbe($0) }),
            let pull = message.pullTimeout.flatMap({ Duration($0) }),
            let start = message.startTimeout.flatMap({ Duration($0) }),
            let stop = message.stopTimeout.flatMap({ Duration($0) }),
            Set(message.environment.map(\.name)).count == message.environment.count,
            message.environment.allSatisfy({ isVariableName($0.name) })
        else { return nil }
        self.init(
            environmentID: environment, deploymentID: deployment, slug: message.slug,
            image: message.image,
            pinnedImage: message.pinnedImage.isEmpty ? nil : message.pinnedImage,
            port: message.port, environment: message.environment.map { ConfigEntryDraft($0) },
            volume: volume, limits: ResourceLimits(message.limits ?? AgentV1.ResourceLimits()),
            probe: probe, timeouts: JobTimeouts(pull: pull, start: start, stop: stop))
    }
}

extension RestartOrder {
    init?(_ message: AgentV1.RestartJob) {
        guard let environment = EnvironmentID(message.environmentID),
            (1...65_535).contains(message.port),
            let probe = message.probe.flatMap({ LoginProbe($0) }),
            let start = message.startTimeout.flatMap({ Duration($0) }),
            let stop = message.stopTimeout.flatMap({ Duration($0) })
        else { return nil }
        self.init(
            environmentID: environment, port: message.port, probe: probe,
            timeouts: JobTimeouts(pull: .zero, start: start, stop: stop),
            systemIdentifier: message.systemIdentifier.isEmpty ? nil : message.systemIdentifier)
    }
}

extension VolumeOrder {
    init?(_ message: AgentV1.Volume) {
        guard isVolumeName(message.name), isCleanPath(message.mountPath),
            isCleanPath(message.dataPath),
            isDataPath(message.dataPath, inMount: message.mountPath)
        else { return nil }
        self.init(
            name: message.name, mountPath: message.mountPath, dataPath: message.dataPath,
            initialized: message.initialized,
            systemIdentifier: message.systemIdentifier.isEmpty ? nil : message.systemIdentifier)
    }
}

extension DataLayout {
    init?(_ message: AgentV1.DataLayout) {
        guard !message.image.isEmpty, (1...65535).contains(message.port),
            isCleanPath(message.mountPath), isCleanPath(message.dataPath),
            isDataPath(message.dataPath, inMount: message.mountPath)
        else { return nil }
        self.init(
            image: message.image, port: message.port, mountPath: message.mountPath,
            dataPath: message.dataPath,
            limits: ResourceLimits(message.limits ?? AgentV1.ResourceLimits()))
    }
}

extension LoginProbe {
    init?(_ message: AgentV1.LoginProbe) {
        guard !message.databaseName.isEmpty, !message.username.isEmpty else { return nil }
        self.init(
            databaseName: message.databaseName, username: message.username,
            password: SecretText(message.password))
    }
}

extension ResourceLimits {
    init(_ message: AgentV1.ResourceLimits) {
        self.init(
            cpuMillis: message.cpuMillis, memoryBytes: message.memoryBytes,
            pidsMax: message.pidsMax, logFileBytesMax: message.logFileBytesMax,
            logFilesMax: message.logFilesMax, sharedMemoryBytes: message.sharedMemoryBytes)
    }
}

extension ConfigEntryDraft {
    init(_ message: AgentV1.EnvironmentVariable) {
        self.init(
            key: message.name,
            value: message.secret
                ? .secret(SecretText(message.value)) : .variable(message.value))
    }
}

extension JobReference {
    init?(_ message: AgentV1.JobReference) {
        guard let job = JobID(message.jobID), message.fencingToken > 0 else { return nil }
        self.init(jobID: job, fencingToken: message.fencingToken)
    }
}

extension AgentV1.JobReference {
    init(_ reference: JobReference) {
        self.init()
        jobID = "\(reference.jobID)"
        fencingToken = reference.fencingToken
    }
}

extension Duration {
    /// A duration that is not negative and shorter than a day; nil for any other.
    init?(_ message: GoogleProtobuf.Duration) {
        guard (0...86_400).contains(message.seconds), (0..<1_000_000_000).contains(message.nanos)
        else { return nil }
        self = .seconds(message.seconds) + .nanoseconds(Int64(message.nanos))
    }
}

extension Timestamp {
    /// A time after 1970 and before the year 10000; nil for any other.
    init?(_ message: GoogleProtobuf.Timestamp) {
        guard (0...253_402_300_799).contains(message.seconds),
            (0..<1_000_000_000).contains(message.nanos)
        else { return nil }
        self.init(
            microsecondsSince1970: message.seconds * 1_000_000 + Int64(message.nanos) / 1000)
    }
}

/// Whether a text is one label of a host name (RFC 1123 section 2.1), in lower case.
func isHostName(_ text: String) -> Bool {
    let isPlain = text.utf8.allSatisfy { isLowercaseOrDigit($0) || $0 == UInt8(ascii: "-") }
    return isPlain && (1...63).contains(text.utf8.count) && !text.hasPrefix("-")
        && !text.hasSuffix("-")
}

/// Whether Docker takes a text as a volume's name, and not as a path of the machine.
func isVolumeName(_ text: String) -> Bool {
    let isPlain = text.utf8.allSatisfy {
        isLowercaseOrDigit($0) || "-_.".utf8.contains($0)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
    }
    return isPlain && (2...128).contains(text.utf8.count)
        && text.utf8.first.map { isLowercaseOrDigit($0) } == true
}

/// Whether a text is an absolute path without `.`, `..` or empty parts.
func isCleanPath(_ text: String) -> Bool {
    guard text.hasPrefix("/"), text.utf8.count <= 1024 else { return false }
    return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && $0 != "." && $0 != ".."
    }
}

/// Whether a path is the mount's or below it.
func isDataPath(_ path: String, inMount mount: String) -> Bool {
    path == mount || path.hasPrefix(mount + "/")
}

/// Whether a text can name an environment variable, and stand in a list parted by commas.
func isVariableName(_ text: String) -> Bool {
    !text.isEmpty && !text.utf8.contains { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ",") }
}

private func isLowercaseOrDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}
