import EventLoops
import Glibc

/// The folder that holds what the agent keeps: its owner's alone, files and all.
struct StateFolder {
    private static let fileName = "agent.state"
    static let lockName = "agent.lock"
    private static let permissionsOfOthers: mode_t = 0o077

    let path: String

    /// Why a state folder is of no use.
    enum Refusal: Error, CustomStringConvertible {
        case system(SystemError)
        case readableByOthers(String)
        case notRegistered(String)
        case inUse(String)

        var description: String {
            switch self {
            case .system(let error): "the state folder: \(error)"
            case .readableByOthers(let path):
                "\(path) can be read by others; run: chmod go= \(path)"
            case .notRegistered(let path):
                "\(path) holds no registration; run 'berth-agent register' first"
            case .inUse(let path):
                "another berth-agent works with \(path): two of one server would undo each other's "
                    + "work; stop that one first, or give this one a folder and a registration of its own"
            }
        }
    }

    /// Makes the folder when it is missing, and insists that it is its owner's alone.
    /// - Throws: ``Refusal``.
    func prepare() throws {
        // Safe: the path is a NUL-terminated copy that lives for the call.
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST {
            throw Refusal.system(.last("mkdir \(path)"))
        }
        try check(path)
    }

    /// Keeps an identity in place of any other.
    /// - Throws: ``Refusal``.
    func save(_ identity: AgentIdentity) throws {
        try prepare()
        do {
            try SmallFile.replace(
                "\(path)/\(StateFolder.fileName)", with: Array(identity.text.utf8))
        } catch {
            throw Refusal.system(error)
        }
    }

    /// Reads the identity.
    /// - Throws: ``Refusal``, `AgentIdentity.Malformed`.
    func load() throws -> AgentIdentity {
        try check(path)
        let file = "\(path)/\(StateFolder.fileName)"
        let bytes: [UInt8]
        do {
            bytes = try SmallFile.read(file)
        } catch {
            if error.code == ENOENT { throw Refusal.notRegistered(path) }
            throw Refusal.system(error)
        }
        try check(file)
        return try AgentIdentity(String(decoding: bytes, as: UTF8.self))
    }

    /// Keeps other agents from working with the folder for as long as the lock lives.
    /// - Throws: ``Refusal``, `.inUse` when one does already.
    func lock() throws -> StateFolderLock {
        try check(path)
        do {
            guard let lock = try StateFolderLock(file: "\(path)/\(StateFolder.lockName)") else {
                throw Refusal.inUse(path)
            }
            return lock
        } catch let error as SystemError {
            throw Refusal.system(error)
        }
    }

    private func check(_ path: String) throws {
        var status = stat()
        // Safe: fills a live local.
        guard unsafe stat(path, &status) == 0 else {
            if errno == ENOENT { throw Refusal.notRegistered(self.path) }
            throw Refusal.system(.last("stat \(path)"))
        }
        guard status.st_mode & StateFolder.permissionsOfOthers == 0 else {
            throw Refusal.readableByOthers(path)
        }
    }
}
