import EventLoops
import Foundation
import Testing

@Suite struct SmallFileTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "berth-small-file-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("a file is made with all its bytes, for its owner alone, and nothing beside it")
    func creates() throws {
        try withFolder { folder in
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
            try SmallFile.create("\(folder)/key", with: bytes)
            #expect(try SmallFile.read("\(folder)/key") == bytes)
            #expect(try mode("\(folder)/key") == 0o600)
            #expect(try files(folder) == ["key"])
        }
    }

    @Test("an existing file is left as it is, and nothing beside it, also when it is empty")
    func createsNothingTwice() throws {
        for text in ["", "mine"] {
            try withFolder { folder in
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/key"))
                let error = #expect(throws: SystemError.self) {
                    try SmallFile.create("\(folder)/key", with: [1])
                }
                #expect(error?.code == EEXIST)
                #expect(SmallFile.text("\(folder)/key") == text)
                #expect(try files(folder) == ["key"])
            }
        }
    }

    @Test("drafts that a kill left behind hinder nobody")
    func leftovers() throws {
        try withFolder { folder in
            for name in ["key.new", "key.new.a1B2c3"] {
                try Data("half a k".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            try SmallFile.create("\(folder)/key", with: [1, 2])
            #expect(try SmallFile.read("\(folder)/key") == [1, 2])
            try SmallFile.replace("\(folder)/key", with: [3])
            #expect(try SmallFile.read("\(folder)/key") == [3])
            #expect(try mode("\(folder)/key") == 0o600)
            #expect(try files(folder) == ["key", "key.new.a1B2c3"])
        }
    }

    @Test("what is replaced is replaced whole, and a file that is not there is made")
    func replaces() throws {
        try withFolder { folder in
            try SmallFile.replace("\(folder)/state", with: Array("a longer text".utf8))
            try SmallFile.replace("\(folder)/state", with: Array("short".utf8))
            #expect(SmallFile.text("\(folder)/state") == "short")
            #expect(try files(folder) == ["state"])
        }
    }

    @Test("a refusal says what could not be done where")
    func refusals() {
        let unmade = #expect(throws: SystemError.self) {
            try SmallFile.create("/nowhere/key", with: [1])
        }
        #expect(unmade?.description.contains("/nowhere/key") == true)
        #expect(unmade?.code == ENOENT)
        let unread = #expect(throws: SystemError.self) { try SmallFile.read("/nowhere/key") }
        #expect(unread?.description.contains("/nowhere/key") == true)
    }

    @Test("no more than the limit is read of a file without end")
    func endless() throws {
        #expect(try SmallFile.read("/dev/zero").count == SmallFile.bytesMax)
    }
}
