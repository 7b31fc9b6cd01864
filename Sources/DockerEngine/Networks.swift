/// A bridge network to be made.
public struct NetworkSpecification: Equatable, Sendable {
    /// The name; Docker allows two networks of one name, so look before.
    public var name: String
    /// Labels.
    public var labels: [String: String]
    /// Whether containers in it reach nothing outside of it.
    public var isInternal: Bool
    /// Options of the bridge driver, such as `com.docker.network.bridge.enable_icc`.
    public var options: [String: String]

    /// Describes a bridge network.
    public init(
        name: String, labels: [String: String] = [:], isInternal: Bool = false,
        options: [String: String] = [:]
    ) {
        self.name = name
        self.labels = labels
        self.isInternal = isInternal
        self.options = options
    }
}

/// A network that exists.
public struct NetworkDetails: Equatable, Sendable {
    /// Docker's id.
    public let id: String
    /// The name.
    public let name: String
    /// The driver, such as `bridge`.
    public let driver: String
    /// Labels.
    public let labels: [String: String]
    /// Whether containers in it reach nothing outside of it.
    public let isInternal: Bool
    /// Options of the driver.
    public let options: [String: String]
    /// The address ranges in CIDR notation, each with the gateway that is the machine itself.
    public let subnets: [Subnet]
    /// The running containers in it; empty in lists, which do not tell.
    public let endpoints: [Endpoint]

    /// One address range.
    public struct Subnet: Equatable, Sendable {
        /// Such as `172.18.0.0/16`.
        public let range: String
        /// The machine's address in it, if told.
        public let gateway: String?
    }

    /// One running container in the network.
    public struct Endpoint: Equatable, Sendable {
        /// The container's id.
        public let containerID: String
        /// The container's name.
        public let containerName: String
        /// Its address without the range's length; nil when it has none.
        public let ipv4Address: String?
    }

    init(answer: JSON) throws(MalformedAnswer) {
        id = try answer.text("Id")
        name = try answer.text("Name")
        driver = try answer.text("Driver")
        labels = try answer.texts("Labels")
        isInternal = answer["Internal"]?.bool ?? false
        options = try answer.texts("Options")
        let addresses: JSON = answer["IPAM"] ?? [:]
        subnets = try addresses.elements("Config") { (range) throws(MalformedAnswer) in
            Subnet(range: range["Subnet"]?.string ?? "", gateway: range["Gateway"]?.string)
        }
        endpoints = (answer["Containers"]?.members ?? []).map { member in
            let address = member.value["IPv4Address"]?.string ?? ""
            return Endpoint(
                containerID: member.name, containerName: member.value["Name"]?.string ?? "",
                ipv4Address: address.isEmpty ? nil : String(address.prefix { $0 != "/" }))
        }
    }
}

extension DockerRequest {
    static func inspectNetwork(_ name: String) -> DockerRequest {
        DockerRequest("inspect network", .get, "/networks/\(encoded(name))")
    }

    static func createNetwork(_ network: NetworkSpecification) -> DockerRequest {
        DockerRequest(
            "create network", .post, "/networks/create",
            body: .json([
                "Name": .string(network.name),
                "CheckDuplicate": true,
                "Driver": "bridge",
                "Internal": .bool(network.isInternal),
                "Attachable": false,
                "EnableIPv6": false,
                "Options": .strings(network.options),
                "Labels": .strings(network.labels),
            ]))
    }

    static func removeNetwork(_ name: String) -> DockerRequest {
        DockerRequest("remove network", .delete, "/networks/\(encoded(name))")
    }

    static func connect(
        _ container: String, to network: String, aliases: [String]
    ) -> DockerRequest {
        DockerRequest(
            "connect container", .post, "/networks/\(encoded(network))/connect",
            body: .json([
                "Container": .string(container),
                "EndpointConfig": ["Aliases": .strings(aliases)],
            ]))
    }

    static func disconnect(
        _ container: String, from network: String, force: Bool
    ) -> DockerRequest {
        DockerRequest(
            "disconnect container", .post, "/networks/\(encoded(network))/disconnect",
            body: .json(["Container": .string(container), "Force": .bool(force)]))
    }

    static func listNetworks(labels: [String: String]) -> DockerRequest {
        DockerRequest(
            "list networks", .get, "/networks", query: filters(["label": labelFilters(labels)]))
    }
}

extension DockerClient {
    /// The network of that name or id; nil when there is none.
    /// - Throws: ``DockerError``.
    public func network(
        _ name: String, deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> NetworkDetails? {
        try await find(
            .inspectNetwork(name), deadline: deadline, NetworkDetails.init(answer:))
    }

    /// Makes a bridge network.
    /// - Returns: Its id.
    /// - Throws: ``DockerError``: a conflict when the name is in use, as far as Docker notices.
    public func createNetwork(
        _ network: NetworkSpecification, deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) -> String {
        try await call(.createNetwork(network), deadline: deadline) {
            (answer) throws(MalformedAnswer) in try answer.text("Id")
        }
    }

    /// Removes a network without containers.
    /// - Returns: Whether there was one.
    /// - Throws: ``DockerError``: status 403 when a container is in it.
    @discardableResult
    public func removeNetwork(
        _ name: String, deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) -> Bool {
        try await remove(.removeNetwork(name), deadline: deadline)
    }

    /// Puts a container, running or not, into one more network.
    /// - Throws: ``DockerError``: status 403 when it is in there already.
    public func connect(
        _ container: String, to place: NetworkAttachment,
        deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) {
        try await run(
            .connect(container, to: place.network, aliases: place.aliases), deadline: deadline)
    }

    /// Takes a container out of a network.
    /// - Parameter force: Also when the container is gone or half gone.
    /// - Throws: ``DockerError``.
    public func disconnect(
        _ container: String, from network: String, force: Bool = false,
        deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) {
        try await run(.disconnect(container, from: network, force: force), deadline: deadline)
    }

    /// The networks that have all of these labels.
    /// - Throws: ``DockerError``.
    public func networks(
        labels: [String: String], deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> [NetworkDetails] {
        try await call(.listNetworks(labels: labels), deadline: deadline) {
            (answer) throws(MalformedAnswer) in
            try answer.elements(NetworkDetails.init(answer:)).having(labels)
        }
    }
}
