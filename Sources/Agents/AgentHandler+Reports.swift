import BerthMessages
import Domain
import StandardMessages

/// The bytes that texts of a report may have; longer ones are cut.
private enum TextBytesMax {
    static let message = 4096
    static let hint = 2048
    static let name = 512
    static let reason = 64
}

extension HostFacts {
    /// The facts, texts cut and numbers not negative.
    init(_ facts: AgentV1.HostFacts) {
        self.init()
        hostname = PlainText.line(of: facts.hostname, lengthMax: HostFacts.textBytesMax)
        operatingSystem = PlainText.line(
            of: facts.operatingSystem, lengthMax: HostFacts.textBytesMax)
        architecture = PlainText.line(of: facts.architecture, lengthMax: HostFacts.textBytesMax)
        dockerVersion = PlainText.line(of: facts.dockerVersion, lengthMax: HostFacts.textBytesMax)
        processors = max(0, facts.processors)
        memoryTotalBytes = max(0, facts.memoryTotalBytes)
        memoryAvailableBytes = max(0, facts.memoryAvailableBytes)
        diskTotalBytes = max(0, facts.diskTotalBytes)
        diskAvailableBytes = max(0, facts.diskAvailableBytes)
    }
}

extension JobReference {
    /// Nil when the job has no UUID.
    init?(_ reference: AgentV1.JobReference) {
        guard let id = JobID(reference.jobID) else { return nil }
        self.init(jobID: id, fencingToken: reference.fencingToken)
    }
}

extension SignedReport.Content {
    /// Nil when a report says nothing that this build understands.
    init?(_ report: AgentV1.Report, _ limits: AgentLimits) {
        switch report.kind {
        case .jobProgress(let message):
            guard let progress = JobProgress(message) else { return nil }
            self = .progress(progress)
        case .inventory(let message):
            guard message.containers.count <= limits.containersPerInventoryMax else { return nil }
            let containers = message.containers.compactMap { ObservedContainer($0) }
            guard containers.count == message.containers.count else { return nil }
            self = .inventory(
                containers, orphans: orphans(message, max: limits.orphansPerInventoryMax),
                surveyAge: max(message.surveyAge.flatMap { Duration($0) } ?? .zero, .zero))
        case .jobRefusal(let message):
            self = .jobRefusal(
                message.reference.flatMap { JobReference($0) }, reason: reasonText(message.reason))
        case .logChunk(let message):
            guard let chunk = AgentLogChunk(message) else { return nil }
            self = .logs(chunk)
        case nil: return nil
        }
    }
}

/// The orphans of an inventory: what is among its volumes is one, what is called as an
/// environment's network is one, and the rest are containers.
private func orphans(_ inventory: AgentV1.Inventory, max: Int) -> [ServerOrphan] {
    let volumes = Set(inventory.volumes.map(\.name))
    return inventory.orphans.prefix(max).map { name in
        let kind: ServerOrphan.Kind =
            if volumes.contains(name) {
                .volume
            } else if name.hasPrefix(ServerOrphan.networkPrefix),
                EnvironmentID(String(name.dropFirst(ServerOrphan.networkPrefix.count))) != nil
            {
                .network
            } else {
                .container
            }
        return ServerOrphan(kind: kind, name: name.prefix(utf8Bytes: TextBytesMax.name))
    }
}

/// Upper-case letters, digits and underscores, whatever came.
private func reasonText(_ text: String) -> String {
    let kept = text.utf8.prefix(TextBytesMax.reason).filter { byte in
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || byte == UInt8(ascii: "_")
    }
    return kept.isEmpty ? "UNKNOWN" : String(decoding: kept, as: UTF8.self)
}

extension JobProgress {
    fileprivate init?(_ message: AgentV1.JobProgress) {
        guard let reference = message.reference.flatMap({ JobReference($0) }),
            let serviceID = ServiceID(message.serviceID), let state = State(message.state)
        else { return nil }
        var failure: JobFailure?
        if state == .failed {
            failure = JobFailure(
                reason: reasonText(message.failureReason),
                hint: message.failureHint.prefix(utf8Bytes: TextBytesMax.hint))
        }
        self.init(
            reference: reference, serviceID: serviceID, state: state,
            message: message.message.prefix(utf8Bytes: TextBytesMax.message), failure: failure,
            outcome: message.outcome.map { JobOutcome($0) })
    }
}

extension JobProgress.State {
    fileprivate init?(_ state: AgentV1.JobState) {
        switch state {
        case .accepted: self = .accepted
        case .pulling: self = .pulling
        case .starting: self = .starting
        case .verifying: self = .verifying
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .unspecified, .unrecognized: return nil
        }
    }
}

extension JobOutcome {
    fileprivate init(_ message: AgentV1.JobOutcome) {
        self.init(
            pinnedImage: message.pinnedImage.prefix(utf8Bytes: TextBytesMax.name),
            volumeName: message.volumeName.prefix(utf8Bytes: TextBytesMax.name),
            initialized: message.initialized,
            systemIdentifier: message.systemIdentifier.prefix(utf8Bytes: TextBytesMax.name))
    }
}

extension ObservedContainer {
    fileprivate init?(_ message: AgentV1.ObservedContainer) {
        guard let serviceID = ServiceID(message.serviceID),
            let deploymentID = DeploymentID(message.deploymentID),
            let state = State(message.state)
        else { return nil }
        self.init(
            serviceID: serviceID, deploymentID: deploymentID, fencingToken: message.fencingToken,
            state: state, message: message.message.prefix(utf8Bytes: TextBytesMax.message),
            restartCount: max(0, message.restartCount))
    }
}

extension ObservedContainer.State {
    fileprivate init?(_ state: AgentV1.ContainerState) {
        switch state {
        case .running: self = .running
        case .restarting: self = .restarting
        case .exited: self = .exited
        case .unspecified, .unrecognized: return nil
        }
    }
}

extension AgentLogChunk {
    /// The lines that a chunk may have, and the bytes of them all.
    private static let linesMax = 64
    private static let bytesMax = 16 * 1024

    /// Nil when it has more than a chunk may have.
    fileprivate init?(_ message: AgentV1.LogChunk) {
        guard message.lines.count <= AgentLogChunk.linesMax,
            message.lines.reduce(0, { $0 + $1.text.utf8.count }) <= AgentLogChunk.bytesMax
        else { return nil }
        self.init(
            tailID: message.requestID, lines: message.lines.map { LogLine($0) },
            isEnd: message.end, error: message.error.prefix(utf8Bytes: TextBytesMax.name))
    }
}

extension LogLine {
    fileprivate init(_ message: AgentV1.LogLine) {
        self.init(
            time: message.time.flatMap { Timestamp($0) } ?? Timestamp(microsecondsSince1970: 0),
            text: message.text, isStandardError: message.standardError)
    }
}
