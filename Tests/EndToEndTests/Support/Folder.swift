import Foundation

/// A new folder, removed with this object.
final class Folder: Sendable {
    let path: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("berth-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        path = folder.path
        Reaper.note("+ \(path)")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        Reaper.note("- \(path)")
    }

    /// The path of a file in it.
    func file(_ name: String) -> String { "\(path)/\(name)" }
}
