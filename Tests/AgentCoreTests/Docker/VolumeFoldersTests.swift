import EventLoops
import TestSupport
import Testing

@testable import AgentCore

@Suite struct VolumeFoldersTests {
    @Test(
        "only folders of local volumes, where their names say, are touched",
        arguments: [
            ("local", "/var/lib/docker/volumes/berth-data-1/_data", true),
            ("nfs", "/var/lib/docker/volumes/berth-data-1/_data", false),
            ("local", "/var/lib/docker/volumes/berth-data-2/_data", false),
            ("local", "/mnt/data", false), ("local", "", false),
            ("local", "volumes/berth-data-1/_data", false),
        ])
    func folders(driver: String, mountpoint: String, isPlain: Bool) {
        let folder = VolumeFolders.folder(
            of: "berth-data-1", driver: driver, mountpoint: mountpoint)
        #expect(folder == (isPlain ? mountpoint : nil))
    }

    @Test("two folders are exchanged whole, and a missing one changes nothing")
    func exchange() throws {
        let folder = try Command.run(["mktemp", "-d", "/tmp/berth-test-folders-XXXXXX"])
        defer { _ = try? Command.run(["rm", "-r", folder]) }
        let (one, other) = ("\(folder)/one/_data", "\(folder)/other/_data")
        _ = try Command.run(["mkdir", "-p", one, other])
        _ = try Command.run(["chmod", "0700", one])
        _ = try Command.run(["touch", "\(one)/PG_VERSION"])
        try VolumeFolders.exchange(one, other)
        #expect(try Command.run(["ls", one]) == "")
        #expect(try Command.run(["ls", other]) == "PG_VERSION")
        #expect(try Command.run(["stat", "-c", "%a", other]) == "700")
        #expect(throws: SystemError.self) {
            try VolumeFolders.exchange(one, "\(folder)/none/_data")
        }
        #expect(try Command.run(["ls", other]) == "PG_VERSION")
    }
}
