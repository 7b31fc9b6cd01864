/// What to wait for.
public enum WaitCondition: String, Sendable {
    /// That it does not run; at once when it does not.
    case notRunning = "not-running"
    /// That it ends the next time; missed if it ends before the engine has heard of the wait.
    case nextExit = "next-exit"
    /// That it is gone.
    case removed
}

extension DockerRequest {
    static func container(
        _ operation: String, _ method: Method, _ id: String, _ action: String = "",
        query: [QueryItem] = []
    ) -> DockerRequest {
        DockerRequest(operation, method, "/containers/\(encoded(id))\(action)", query: query)
    }

    static func startContainer(_ id: String) -> DockerRequest {
        container("start container", .post, id, "/start")
    }

    static func stopContainer(
        _ id: String, gracePeriod: Duration, signal: String?
    ) -> DockerRequest {
        container(
            "stop container", .post, id, "/stop",
            query: [QueryItem("t", "\(wholeSeconds(gracePeriod))")]
                + (signal.map { [QueryItem("signal", $0)] } ?? []))
    }

    static func killContainer(_ id: String, signal: String) -> DockerRequest {
        container(
            "kill container", .post, id, "/kill", query: [QueryItem("signal", signal)])
    }

    static func renameContainer(_ id: String, to name: String) -> DockerRequest {
        container("rename container", .post, id, "/rename", query: [QueryItem("name", name)])
    }

    /// `v` says that volumes without a name go too; none ever does.
    static func removeContainer(_ id: String, force: Bool) -> DockerRequest {
        container(
            "remove container", .delete, id,
            query: [QueryItem("v", "false"), QueryItem("force", "\(force)")])
    }

    static func inspectContainer(_ id: String) -> DockerRequest {
        container("inspect container", .get, id, "/json")
    }

    static func waitForContainer(_ id: String, _ condition: WaitCondition) -> DockerRequest {
        container(
            "wait for container", .post, id, "/wait",
            query: [QueryItem("condition", condition.rawValue)])
    }

    static func listContainers(labels: [String: String]) -> DockerRequest {
        DockerRequest(
            "list containers", .get, "/containers/json",
            query: [QueryItem("all", "true")] + filters(["label": labelFilters(labels)]))
    }
}

extension DockerClient {
    /// Starts a container.
    /// - Returns: Whether it did not run already.
    /// - Throws: ``DockerError``: the message says why the runtime could not start it.
    @discardableResult
    public func startContainer(
        _ id: String, deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) -> Bool {
        try await run(.startContainer(id), deadline: deadline)
    }

    /// Asks a container to end, and kills it after the grace period.
    ///
    /// - Parameter signal: Instead of the container's own stop signal; engines older than API 1.42
    ///   ignore it.
    /// - Parameter deadline: nil for 30 s more than the grace period.
    /// - Returns: Whether it ran.
    /// - Throws: ``DockerError``.
    @discardableResult
    public func stopContainer(
        _ id: String, gracePeriod: Duration = .seconds(10), signal: String? = nil,
        deadline: Duration? = nil
    ) async throws(DockerError) -> Bool {
        try await run(
            .stopContainer(id, gracePeriod: gracePeriod, signal: signal),
            deadline: deadline ?? gracePeriod + .seconds(30))
    }

    /// Sends a signal to a container's first process.
    /// - Throws: ``DockerError``: a conflict when it does not run.
    public func killContainer(
        _ id: String, signal: String = "SIGKILL", deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) {
        try await run(.killContainer(id, signal: signal), deadline: deadline)
    }

    /// Gives a container another name.
    /// - Throws: ``DockerError``: a conflict when the name is in use.
    public func renameContainer(
        _ id: String, to name: String, deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) {
        try await run(.renameContainer(id, to: name), deadline: deadline)
    }

    /// Removes a container. Its volumes stay, the nameless ones too.
    ///
    /// - Parameter force: Kills it first if it runs.
    /// - Returns: Whether there was one.
    /// - Throws: ``DockerError``: a conflict when it runs, or is being removed.
    @discardableResult
    public func removeContainer(
        _ id: String, force: Bool = false, deadline: Duration = DockerLimits.longDeadline
    ) async throws(DockerError) -> Bool {
        try await remove(.removeContainer(id, force: force), deadline: deadline)
    }

    /// The container of that name or id; nil when there is none.
    /// - Throws: ``DockerError``.
    public func container(
        _ id: String, deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> ContainerDetails? {
        try await find(.inspectContainer(id), deadline: deadline, ContainerDetails.init(answer:))
    }

    /// The containers that have all of these labels, whatever their state.
    /// - Throws: ``DockerError``.
    public func containers(
        labels: [String: String], deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> [ContainerSummary] {
        try await call(.listContainers(labels: labels), deadline: deadline) {
            (answer) throws(MalformedAnswer) in
            try answer.elements(ContainerSummary.init(answer:)).having(labels)
        }
    }

    /// Waits for a container's end.
    /// - Returns: Its exit code.
    /// - Throws: ``DockerError``: `.failed` with the engine's reason when it cannot tell the code.
    public func waitForContainer(
        _ id: String, _ condition: WaitCondition = .notRunning, deadline: Duration
    ) async throws(DockerError) -> Int64 {
        let request = DockerRequest.waitForContainer(id, condition)
        let (code, reason) = try await call(request, deadline: deadline) {
            (answer) throws(MalformedAnswer) in
            (try answer.number("StatusCode"), answer["Error"]?["Message"]?.string)
        }
        if let reason, !reason.isEmpty {
            throw DockerError(.failed, operation: request.operation, message: reason)
        }
        return code
    }
}
