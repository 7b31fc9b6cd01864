import BerthMessages
import EventLoops
import Glibc
import Messages

/// What an agent tells of its machine, read from the kernel.
enum HostFacts {
    /// Reads the facts; blocks for a moment, so it runs on a worker.
    ///
    /// - Parameter dockerRoot: The folder that holds Docker's data; empty when it is not known.
    static func read(dockerVersion: String, dockerRoot: String) -> AgentV1.HostFacts {
        .with {
            let (hostname, architecture) = names()
            $0.hostname = hostname
            $0.architecture = architecture
            $0.operatingSystem = operatingSystem(SmallFile.text("/etc/os-release") ?? "")
            $0.dockerVersion = dockerVersion
            $0.processors = Int32(clamping: Processors.allowedCount)
            let memory = SmallFile.text("/proc/meminfo") ?? ""
            $0.memoryTotalBytes = memoryBytes("MemTotal", in: memory)
            $0.memoryAvailableBytes = memoryBytes("MemAvailable", in: memory)
            let disk = disk(dockerRoot.isEmpty ? "/" : dockerRoot)
            $0.diskTotalBytes = disk.total
            $0.diskAvailableBytes = disk.available
        }
    }

    /// `PRETTY_NAME` of os-release(5).
    static func operatingSystem(_ text: String) -> String {
        for line in text.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
            return line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" }
        }
        return "Linux"
    }

    /// A line of proc_meminfo(5), which counts in kibibytes; 0 when it is missing.
    static func memoryBytes(_ name: String, in text: String) -> Int64 {
        for line in text.split(separator: "\n") where line.hasPrefix("\(name):") {
            let words = line.split(separator: " ")
            if words.count > 1, let kibibytes = Int64(words[1]) { return kibibytes * 1024 }
        }
        return 0
    }

    private static func names() -> (hostname: String, architecture: String) {
        // Safe: the kernel fills a live local with texts that end with a NUL.
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return ("", "") }
        return (text(&names.nodename), text(&names.machine))
    }

    private static func text<Characters>(_ characters: inout Characters) -> String {
        // Safe: reads the tuple's own bytes up to the first NUL.
        unsafe withUnsafeBytes(of: &characters) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// The size of a folder's file system and what is free of it for ordinary users.
    private static func disk(_ folder: String) -> (total: Int64, available: Int64) {
        var status = statvfs()
        // Safe: fills a live local.
        guard unsafe statvfs(folder, &status) == 0 else { return (0, 0) }
        let block = Int64(clamping: status.f_frsize)
        return (
            Int64(clamping: status.f_blocks) &* block, Int64(clamping: status.f_bavail) &* block
        )
    }
}
