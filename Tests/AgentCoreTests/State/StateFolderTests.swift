import Domain
import EventLoops
import Glibc
import TestSupport
import Testing

@testable import AgentCore

@Suite struct StateFolderTests {
    private static func withFolder(_ body: (StateFolder) throws -> Void) throws {
        let path = try Command.run(["mktemp", "-d", "/tmp/berth-test-state-XXXXXX"])
        defer { _ = try? Command.run(["rm", "-r", path]) }
        try body(StateFolder(path: path))
    }

    /// Whether the folder can be locked now, by another descriptor, as another process would.
    private static func isFree(_ folder: StateFolder) throws -> Bool {
        do {
            let lock = try folder.lock()
            _ = consume lock
            return true
        } catch StateFolder.Refusal.inUse(let path) {
            #expect(path == folder.path)
            return false
        }
    }

    @Test("a second agent on the same folder is told so, until the first has ended")
    func lock() throws {
        try StateFolderTests.withFolder { folder in
            let lock = try folder.lock()
            #expect(try !StateFolderTests.isFree(folder))
            #expect(
                "\(StateFolder.Refusal.inUse("/x"))".hasPrefix("another berth-agent works with /x"))
            _ = consume lock
            #expect(try StateFolderTests.isFree(folder))
        }
    }

    @Test("the lock ends with its owner, though a program that is being started shares its file")
    func sharedLock() throws {
        try StateFolderTests.withFolder { folder in
            let lock = try folder.lock()
            let shared = try #require(
                StateFolderTests.share("\(folder.path)/\(StateFolder.lockName)"))
            defer { close(shared) }
            #expect(try !StateFolderTests.isFree(folder))
            _ = consume lock
            #expect(try StateFolderTests.isFree(folder))
        }
    }

    /// Another descriptor of the same open file, as a program has between `fork` and `exec`.
    private static func share(_ path: String) -> Int32? {
        var wanted = stat()
        guard stat(path, &wanted) == 0 else { return nil }
        for descriptor in Int32(0)..<1024 {
            var found = stat()
            if fstat(descriptor, &found) == 0, found.st_ino == wanted.st_ino,
                found.st_dev == wanted.st_dev
            {
                return fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
            }
        }
        return nil
    }

    @Test("what shall run is remembered whole or not at all, and holds ids alone")
    func desired() {
        let desired = [
            Sample.service: Sample.deployment, ServiceID(high: 1, low: 2): Sample.otherDeployment,
        ]
        let text = DesiredFile.text(of: desired)
        #expect(DesiredFile.desired(in: text) == desired)
        #expect(DesiredFile.desired(in: DesiredFile.text(of: [:])) == [:])
        for length in 0..<text.utf8.count {
            #expect(DesiredFile.desired(in: String(text.prefix(length))) == nil)
        }
        #expect(DesiredFile.desired(in: "x y\nend\n") == nil)
    }

    @Test("the file is replaced by what was said last")
    func file() async throws {
        try await onLoop { loop, reactor in
            let path = try Command.run(["mktemp", "-d", "/tmp/berth-test-state-XXXXXX"])
            defer { _ = try? Command.run(["rm", "-r", path]) }
            let file = DesiredFile(
                folder: path, workers: try sharedWorkers(), logger: Sample.silence)
            #expect(await file.load() == nil)
            file.save([:], on: loop)
            file.save([Sample.service: Sample.deployment], on: loop)
            file.save([Sample.service: Sample.otherDeployment], on: loop)
            let end = Instant.now().advanced(by: .seconds(30))
            while await file.load() != [Sample.service: Sample.otherDeployment],
                Instant.now() < end
            {
                try await reactor.sleep(for: .milliseconds(5))
            }
            #expect(await file.load() == [Sample.service: Sample.otherDeployment])
            #expect(try Command.run(["stat", "-c", "%a", "\(path)/desired.state"]) == "600")
        }
    }
}
