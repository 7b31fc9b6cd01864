extension DockerRequest {
    static func createContainer(_ container: ContainerSpecification) -> DockerRequest {
        var body: [JSON.Member] = [
            JSON.Member("Image", .string(container.image)),
            JSON.Member("Env", .strings(container.environment.map { "\($0)=\($1)" }.sorted())),
            JSON.Member("Labels", .strings(container.labels)),
            // The image's own check would run as often as it likes; ours is a login.
            JSON.Member("Healthcheck", ["Test": ["NONE"]]),
            JSON.Member("Tty", false),
            JSON.Member("OpenStdin", false),
        ]
        if let command = container.command { body.append(JSON.Member("Cmd", .strings(command))) }
        if let user = container.user { body.append(JSON.Member("User", .string(user))) }
        if let signal = container.stopSignal {
            body.append(JSON.Member("StopSignal", .string(signal)))
        }
        if let timeout = container.stopTimeout {
            body.append(JSON.Member("StopTimeout", .integer(wholeSeconds(timeout))))
        }
        body.append(JSON.Member("HostConfig", hostConfiguration(container)))
        if let place = container.network {
            body.append(
                JSON.Member(
                    "NetworkingConfig",
                    [
                        "EndpointsConfig": .object([
                            JSON.Member(place.network, ["Aliases": .strings(place.aliases)])
                        ])
                    ]))
        }
        return DockerRequest(
            "create container", .post, "/containers/create",
            query: [QueryItem("name", container.name)], body: .json(.object(body)))
    }

    private static func hostConfiguration(_ container: ContainerSpecification) -> JSON {
        var host: [JSON.Member] = [
            JSON.Member("NetworkMode", .string(container.network?.network ?? "none")),
            JSON.Member("Mounts", .array(container.mounts.map(mount))),
            JSON.Member("RestartPolicy", restartPolicy(container.restartPolicy)),
            JSON.Member(
                "LogConfig",
                [
                    "Type": "json-file",
                    "Config": [
                        "max-size": .string("\(container.logs.fileBytesMax)"),
                        "max-file": .string("\(container.logs.filesMax)"),
                    ],
                ]),
            JSON.Member("Privileged", false),
            JSON.Member("PublishAllPorts", false),
            JSON.Member("CapDrop", ["ALL"]),
            JSON.Member("CapAdd", .strings(container.capabilities)),
            JSON.Member("SecurityOpt", ["no-new-privileges:true"]),
            JSON.Member("ReadonlyRootfs", .bool(container.hasReadOnlyRoot)),
        ]
        if !container.memoryFileSystems.isEmpty {
            host.append(JSON.Member("Tmpfs", .strings(container.memoryFileSystems)))
        }
        if !container.nameServers.isEmpty {
            host.append(JSON.Member("Dns", .strings(container.nameServers)))
        }
        let resources = container.resources
        for (name, value) in [
            ("NanoCpus", resources.nanoCPUs), ("Memory", resources.memoryBytes),
            ("MemorySwap", resources.memoryAndSwapBytes), ("PidsLimit", resources.processesMax),
            ("ShmSize", resources.sharedMemoryBytes),
        ] {
            if let value { host.append(JSON.Member(name, .integer(value))) }
        }
        return .object(host)
    }

    private static func mount(_ mount: VolumeMount) -> JSON {
        [
            "Type": "volume",
            "Source": .string(mount.volume),
            "Target": .string(mount.path),
            "ReadOnly": .bool(mount.isReadOnly),
            "VolumeOptions": ["NoCopy": .bool(!mount.copiesImageContent)],
        ]
    }

    private static func restartPolicy(_ policy: RestartPolicy) -> JSON {
        switch policy {
        case .never: ["Name": "no"]
        case .always: ["Name": "always"]
        case .unlessStopped: ["Name": "unless-stopped"]
        case .onFailure(let max): ["Name": "on-failure", "MaximumRetryCount": .integer(max)]
        }
    }

    /// Rounded up: a shorter time would be another promise.
    static func wholeSeconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return max(0, attoseconds > 0 ? seconds + 1 : seconds)
    }
}

extension DockerClient {
    /// Makes a container; it does not run yet.
    ///
    /// - Returns: Its id.
    /// - Throws: ``DockerError``: a conflict when the name is in use, not found when the image is
    ///   not on the machine. No value of the environment is in the message.
    public func createContainer(
        _ container: ContainerSpecification, deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) -> String {
        // The engine repeats a variable that it refuses, value and all.
        for (name, value) in container.environment {
            let isName = !name.isEmpty && !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "=") }
            guard isName, !value.utf8.contains(0) else {
                throw DockerError(
                    .notSent, operation: "create container",
                    message: "a variable's name is empty or has '=' in it, or a NUL is in one")
            }
        }
        do throws(DockerError) {
            return try await call(.createContainer(container), deadline: deadline) {
                (answer) throws(MalformedAnswer) in try answer.text("Id")
            }
        } catch {
            // Those name images and containers, which may be called as a value is.
            if error.isNotFound || error.isConflict { throw error }
            throw error.redacting(Array(container.environment.values))
        }
    }
}
