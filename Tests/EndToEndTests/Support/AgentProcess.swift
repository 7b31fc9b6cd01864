import Foundation
import Glibc
import Synchronization

/// A registered `berth-agent` of one server, which can be ended and started again.
final class AgentProcess: Sendable {
    let serverID: String
    private let place: Place
    private let folder: Folder
    private let current: Mutex<ChildProcess?>

    /// Registers with a one-time token, and starts.
    init(of server: Berthd, serverID: String, token: String) throws {
        self.serverID = serverID
        place = server.options.place
        folder = try Folder()
        current = Mutex(nil)
        let authority = server.options.authority
        let registered = try AgentProcess.register(
            at: "\(authority == nil ? "http" : "https")://\(server.address)", token: token,
            stateFolder: folder.file("state"), authority.map { ["--tls-ca", $0] } ?? [], in: place)
        guard registered.exitCode == 0 else {
            throw ChildProcess.Failed(description: "register: \(registered.standardError)")
        }
        try start()
    }

    /// Runs `berth-agent register` to its end.
    static func register(
        at controlPlane: String, token: String, stateFolder: String, _ arguments: [String] = [],
        in place: Place = .machine
    ) throws -> ChildProcess.Finished {
        try ChildProcess.run(
            place.entry + [
                Programs.agent, "register", "--control-plane", controlPlane, "--token-file", "-",
                "--state-dir", stateFolder,
            ] + arguments, input: token)
    }

    /// Starts it; it must not be running.
    func start(_ arguments: [String] = []) throws {
        let process = try ChildProcess(
            place.entry + [Programs.agent, "run", "--state-dir", folder.file("state")]
                + place.agentArguments + arguments)
        current.withLock { $0 = process }
    }

    /// Ends it by a signal and waits.
    @discardableResult
    func end(_ signal: Int32) throws -> Int32 {
        guard let process = current.withLock({ $0 }) else { return 0 }
        process.signal(signal)
        return try process.exitCode()
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
            guard let process, !process.hasEnded else { return }
            process.signal(SIGKILL)
            _ = try? process.exitCode()
        }
        // Another engine goes with all that is in it.
        if place.dockerSocket == nil { try? Docker.removeAll(ofServer: serverID) }
    }
}
