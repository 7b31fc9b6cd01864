/// A container that exists.
public struct ContainerDetails: Equatable, Sendable {
    /// Docker's id.
    public let id: String
    /// The name, without the slash that Docker puts before it.
    public let name: String
    /// The id of its image.
    public let imageID: String
    /// The image as it was named when the container was made.
    public let image: String
    /// Labels.
    public let labels: [String: String]
    /// The environment, secrets included: for whoever must keep them out of what the container
    /// writes.
    public let environment: [String: String]
    /// What it does, and how it ended last.
    public let state: ContainerState
    /// How often the engine has started it again.
    public let restartCount: Int64
    /// Its places by the networks' names.
    public let networks: [String: Attachment]
    /// What is mounted in it.
    public let mounts: [Mount]

    /// A place in a network.
    public struct Attachment: Equatable, Sendable {
        /// The network's id.
        public let networkID: String
        /// The address; nil unless it runs.
        public let ipv4Address: String?
        /// The network's gateway, which is the machine; nil unless it runs.
        public let gateway: String?
        /// Names by which the others find it.
        public let aliases: [String]
    }

    /// Something mounted.
    public struct Mount: Equatable, Sendable {
        /// `volume`, `bind` or `tmpfs`.
        public let type: String
        /// The volume's name; empty for others.
        public let name: String
        /// The path in the container.
        public let path: String
        /// Whether the container may write it.
        public let isWritable: Bool
    }

    init(answer: JSON) throws(MalformedAnswer) {
        id = try answer.text("Id")
        name = String(try answer.text("Name").trimmingSlash)
        imageID = try answer.text("Image")
        let configuration = try answer.value("Config")
        image = configuration["Image"]?.string ?? ""
        labels = try configuration.texts("Labels")
        environment = ContainerDetails.variables(try configuration.list("Env"))
        state = try ContainerState(answer: try answer.value("State"))
        restartCount = answer["RestartCount"]?.integer ?? 0
        var networks: [String: Attachment] = [:]
        for place in answer["NetworkSettings"]?["Networks"]?.members ?? [] {
            networks[place.name] = Attachment(
                networkID: place.value["NetworkID"]?.string ?? "",
                ipv4Address: place.value["IPAddress"]?.string.nonEmpty,
                gateway: place.value["Gateway"]?.string.nonEmpty,
                aliases: try place.value.list("Aliases"))
        }
        self.networks = networks
        mounts = try answer.elements("Mounts") { (mount) throws(MalformedAnswer) in
            Mount(
                type: mount["Type"]?.string ?? "", name: mount["Name"]?.string ?? "",
                path: try mount.text("Destination"), isWritable: mount["RW"]?.bool ?? false)
        }
    }

    /// Parts `NAME=value`; of a name that comes twice the last counts, as in the container.
    private static func variables(_ texts: [String]) -> [String: String] {
        var variables: [String: String] = [:]
        for text in texts {
            guard let sign = text.firstIndex(of: "=") else { continue }
            variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
        }
        return variables
    }
}

extension ContainerDetails: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// The name and the image.
    public var description: String { "\(name) of \(image)" }
    /// As ``description``.
    public var debugDescription: String { description }
    /// Shows nothing of the environment to `dump`.
    public var customMirror: Mirror { Mirror(self, children: ["name": name, "image": image]) }
}

/// What a container does, and how it ended last.
public struct ContainerState: Equatable, Sendable {
    /// Docker's word for it.
    public let status: Status
    /// The exit code of the last end; 0 while it has not ended.
    public let exitCode: Int64
    /// Whether the kernel killed a process of it for want of memory.
    public let wasOutOfMemory: Bool
    /// The engine's own reason for a failed start; empty without one.
    public let error: String
    /// The first process, as the machine numbers it; nil unless it runs.
    public let processID: Int64?
    /// When it started last (RFC 3339); nil when never.
    public let startedAt: String?
    /// When it ended last (RFC 3339); nil when never.
    public let finishedAt: String?

    /// The engine's words.
    public enum Status: String, Sendable {
        /// Made, never started.
        case created
        /// Runs.
        case running
        /// Frozen.
        case paused
        /// Ended, and about to be started again by its restart policy.
        case restarting
        /// Being removed.
        case removing
        /// Ended.
        case exited
        /// Could not be removed wholly.
        case dead
        /// A word that we do not know, such as Podman's `stopping`.
        case unknown

        init(engineWord word: String) {
            self =
                switch word {
                // Podman's: its OCI runtime has made it; it has ended, and is not tidied up yet.
                case "configured", "initialized": .created
                case "stopped": .exited
                default: Status(rawValue: word) ?? .unknown
                }
        }
    }

    init(answer: JSON) throws(MalformedAnswer) {
        status = Status(engineWord: try answer.text("Status"))
        exitCode = answer["ExitCode"]?.integer ?? 0
        wasOutOfMemory = answer["OOMKilled"]?.bool ?? false
        error = answer["Error"]?.string ?? ""
        processID = answer["Pid"]?.integer.flatMap { $0 > 0 ? $0 : nil }
        startedAt = answer["StartedAt"]?.string.moment
        finishedAt = answer["FinishedAt"]?.string.moment
    }
}

/// A container in a list.
public struct ContainerSummary: Equatable, Sendable {
    /// Docker's id.
    public let id: String
    /// The name.
    public let name: String
    /// The id of its image.
    public let imageID: String
    /// Labels.
    public let labels: [String: String]
    /// What it does.
    public let status: ContainerState.Status
    /// Seconds since 1970 at which it was made.
    public let createdAtSeconds: Int64

    init(answer: JSON) throws(MalformedAnswer) {
        id = try answer.text("Id")
        name = String(try answer.list("Names").first.map(\.trimmingSlash) ?? "")
        imageID = try answer.text("ImageID")
        labels = try answer.texts("Labels")
        status = ContainerState.Status(engineWord: try answer.text("State"))
        createdAtSeconds = answer["Created"]?.integer ?? 0
    }
}

extension String {
    fileprivate var trimmingSlash: Substring { hasPrefix("/") ? dropFirst() : self[...] }
}

extension String? {
    fileprivate var nonEmpty: String? { self?.isEmpty == true ? nil : self }
    /// Docker writes the year 1 for "never".
    fileprivate var moment: String? { self?.hasPrefix("0001-") == true ? nil : nonEmpty }
}
