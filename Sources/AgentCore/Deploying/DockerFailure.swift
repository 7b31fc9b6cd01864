import DockerEngine

extension JobFailed {
    /// What a failed call of the engine means for the job.
    init(_ error: DockerError) {
        if JobFailed.tellsOfFullDisk(error.message) {
            self.init(.diskFull, "The server's disk is full: \(error.message)")
            return
        }
        // Docker's words and Podman's.
        if error.message.contains("address pool") || error.message.contains("subnet pools") {
            self.init(
                .networksExhausted, "Docker could not \(error.operation): \(error.message)")
            return
        }
        switch error.kind {
        case .unreachable, .interrupted, .incompatible, .overloaded:
            self.init(.dockerUnavailable, "Docker does not answer: \(error.message)")
        case .timedOut:
            self.init(.dockerUnavailable, "Docker took too long to \(error.operation).")
        case .refused, .failed, .malformed, .tooLarge, .notSent:
            self.init(.dockerRefused, "Docker could not \(error.operation): \(error.message)")
        case .cancelled:
            self.init(.internalFault, "The call to Docker was cancelled.")
        }
    }

    /// What a pull's failure means.
    init(pulling image: String, _ error: DockerError) {
        let text = error.message.lowercased()
        let isUnknown = ["not found", "manifest unknown", "does not exist", "denied"]
            .contains { text.contains($0) }
        if JobFailed.tellsOfFullDisk(error.message) {
            self.init(.diskFull, "The server's disk is full: \(error.message)")
        } else if error.kind == .timedOut {
            self.init(.pullTimeout, "Fetching the image \(image) took too long.")
        } else if error.kind == .unreachable {
            self.init(error)
        } else if error.isNotFound || isUnknown {
            self.init(.imageNotFound, "The image \(image) was not found: \(error.message)")
        } else {
            self.init(.pullFailed, "The image \(image) could not be fetched: \(error.message)")
        }
    }

    /// What a failed start means.
    init(starting error: DockerError) {
        let isDockers = [.refused, .failed].contains(error.kind)
        guard isDockers, !JobFailed.tellsOfFullDisk(error.message) else {
            self.init(error)
            return
        }
        self.init(.startFailed, "The container could not be started: \(error.message)")
    }

    /// What the end of a container that should run means.
    ///
    /// - Parameter lines: Its last output, redacted.
    init(ended details: EngineContainerDetails, lines: [String]) {
        let output =
            lines.isEmpty
            ? "It wrote nothing." : "Its last lines: \(lines.joined(separator: " | "))"
        if details.wasOutOfMemory {
            self.init(
                .outOfMemory, "The container was killed: it used more memory than it may. \(output)"
            )
        } else if lines.contains(where: JobFailed.tellsOfFullDisk) {
            self.init(.diskFull, "The container ended: no space is left on the disk. \(output)")
        } else {
            let why = details.error.isEmpty ? "" : " (\(details.error))"
            self.init(
                .containerExited,
                "The container ended with exit code \(details.exitCode)\(why). \(output)")
        }
    }

    private static func tellsOfFullDisk(_ text: String) -> Bool {
        text.lowercased().contains("no space left on device")
    }
}
