import EventLoops
import Glibc

/// Swaps what two volumes hold, below the engine: it renames no volume itself.
enum VolumeFolders {
    /// Where the volume's files are, if they lie as a local volume's do: in the folder `_data` of a
    /// folder of the volume's name.
    static func folder(of name: String, driver: String, mountpoint: String) -> String? {
        guard driver == "local", mountpoint.hasPrefix("/"),
            mountpoint.hasSuffix("/\(name)/_data")
        else { return nil }
        return mountpoint
    }

    /// Exchanges two folders by one step of the file system, and waits until that is on the disk.
    /// - Throws: `SystemError`: as when they are on different file systems.
    static func exchange(_ one: String, _ other: String) throws(SystemError) {
        try exchangePaths(one, other)
        for path in [one, other] { try synchronize(folder: parent(of: path)) }
    }

    /// Waits until a file and its name in its folder are on the disk.
    /// - Throws: `SystemError`.
    static func synchronize(file name: String, in folder: String) throws(SystemError) {
        try synchronize("\(folder)/\(name)", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        try synchronize(folder: folder)
    }

    private static func parent(of path: String) -> String {
        path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    }

    private static func synchronize(folder: String) throws(SystemError) {
        try synchronize(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    private static func synchronize(_ path: String, _ flags: Int32) throws(SystemError) {
        // Safe: the path is a NUL-terminated copy that lives for the call.
        let descriptor = unsafe open(path, flags)
        guard descriptor >= 0 else { throw .last("open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("fsync \(path)") }
    }
}
