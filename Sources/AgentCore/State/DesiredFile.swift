import Domain
import EventLoops
import Logging

/// ``DesiredMemory`` in the state folder: a line `service deployment` each, and a last line that says
/// that the file is whole. Ids alone.
final class DesiredFile: DesiredMemory {
    static let name = "desired.state"
    private static let end = "end"

    private let folder: String
    private let workers: WorkerPool
    private let logger: Logger
    /// What is to be written once the write that is under way has ended.
    private var next: [ServiceID: DeploymentID]?
    private var isWriting = false

    init(folder: String, workers: WorkerPool, logger: Logger) {
        self.folder = folder
        self.workers = workers
        self.logger = logger
    }

    func load() async -> [ServiceID: DeploymentID]? {
        let path = "\(folder)/\(DesiredFile.name)"
        guard let text = try? await workers.run({ SmallFile.text(path) }) else { return nil }
        return DesiredFile.desired(in: text)
    }

    func save(_ desired: [ServiceID: DeploymentID], on loop: isolated EventLoop) {
        next = desired
        guard !isWriting else { return }
        isWriting = true
        _ = LoopTask(on: loop) { await self.write() }
    }

    /// Writes until nothing newer is to be written.
    private func write() async {
        while let desired = next {
            next = nil
            let (folder, bytes) = (folder, Array(DesiredFile.text(of: desired).utf8))
            do {
                try await workers.run {
                    try SmallFile.replace("\(folder)/\(DesiredFile.name)", with: bytes)
                }
            } catch {
                logger.warning(
                    """
                    what shall run here was not written down: it is not started while the control \
                    plane is away
                    """, metadata: ["cause": "\(error)"])
            }
        }
        isWriting = false
    }

    static func text(of desired: [ServiceID: DeploymentID]) -> String {
        let lines = desired.map { "\($0.key) \($0.value)\n" }.sorted()
        return lines.joined() + "\(end)\n"
    }

    /// What a text says; nil when it is not whole.
    static func desired(in text: String) -> [ServiceID: DeploymentID]? {
        let lines = text.split(separator: "\n")
        guard lines.last == end[...], text.hasSuffix("\n") else { return nil }
        var desired: [ServiceID: DeploymentID] = [:]
        for line in lines.dropLast() {
            let words = line.split(separator: " ")
            guard words.count == 2, let service = ServiceID(String(words[0])),
                let deployment = DeploymentID(String(words[1]))
            else { return nil }
            desired[service] = deployment
        }
        return desired
    }
}
