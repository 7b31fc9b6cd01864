import Foundation
import Glibc
import Synchronization

/// A registered `berth-agent` of one server, which can be ended and started again.
final class AgentProcess: Sendable {
    let serverID: String
    private let folder: Folder
    private let current: Mutex<ChildProcess?>

    /// Registers with a one-time token, and starts.
    init(of server: Berthd, serverID: String, token: String) throws {
        self.serverID = serverID
        folder = try Folder()
        current = Mutex(nil)
        let registered = try ChildProcess.run(
            [
                Programs.agent, "register", "--control-plane", "http://\(server.address)",
                "--token-file", "-", "--state-dir", folder.file("state"),
            ], input: token)
        guard registered.exitCode == 0 else {
            throw ChildProcess.Failed(description: "register: \(registered.standardError)")
        }
        try start()
    }

    /// Starts it; it must not be running.
    func start() throws {
        let process = try ChildProcess([
            Programs.agent, "run", "--state-dir", folder.file("state"),
        ])
        current.withLock { $0 = process }
    }

    /// Ends it by a signal and waits.
    @discardableResult
    func end(_ signal: Int32) throws -> Int32 {
        guard let process = current.withLock({ $0 }) else { return 0 }
        process.signal(signal)
        return try process.exitCode(within: .seconds(30))
    }

    /// What it has logged since it was last started.
    var log: String { current.withLock { $0?.standardError } ?? "" }

    /// The paths and contents of the files that it keeps.
    func stateFiles() throws -> [String: String] {
        let root = folder.file("state")
        var contents: [String: String] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: root) {
            let data = FileManager.default.contents(atPath: "\(root)/\(name)") ?? Data()
            contents[name] = String(decoding: data, as: UTF8.self)
        }
        return contents
    }

    /// Where it keeps them.
    var stateFolder: String { folder.file("state") }

    deinit {
        current.withLock { process in
            if let process, !process.hasEnded { process.signal(SIGKILL) }
        }
        try? Docker.removeAll(ofServer: serverID)
    }
}
