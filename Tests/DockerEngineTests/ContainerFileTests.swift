import Testing

@testable import DockerEngine

@Suite struct ContainerFileTests {
    @Test(arguments: [0, 1, 511, 512, 513, 2000])
    func anArchiveReadsBackAsTheFile(_ size: Int) throws {
        let file = ContainerFile(
            name: "berth.marker", bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0) },
            mode: 0o600, userID: 70, groupID: 71)
        let archive = try #require(file.archive)
        #expect(archive.count % 512 == 0)
        #expect(try ContainerFile(archive: archive) == file)
    }

    @Test(arguments: ["", ".", "..", "a/b", "a\0", String(repeating: "n", count: 101)])
    func refusesNamesThatLeaveTheFolderOrDoNotFit(_ name: String) {
        #expect(ContainerFile(name: name, bytes: []).archive == nil)
    }

    @Test func whatIsNoArchiveOfAFileIsMalformed() throws {
        var archive = try #require(ContainerFile(name: "a", bytes: [1, 2, 3]).archive)
        archive[156] = UInt8(ascii: "5")
        let folder = archive
        archive[156] = UInt8(ascii: "0")
        archive[124] = UInt8(ascii: "7")
        for bytes in [[], [UInt8](repeating: 0xFF, count: 512), folder, archive] {
            #expect(throws: MalformedAnswer.self) { try ContainerFile(archive: bytes) }
        }
    }
}
