import Foundation
import Testing

/// How many connections the system lets berthd have.
@Suite struct DescriptorLimitTests {
    @Test("berthd may open as many descriptors as the hard limit says, not only the soft one")
    func raised() throws {
        var options = try Installation().options
        options.starter = ["/usr/bin/prlimit", "--nofile=256:2048"]
        let server = try Berthd(options)
        let limits = try String(
            contentsOfFile: "/proc/\(server.process.identifier)/limits", encoding: .utf8)
        let line = try #require(
            limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
        #expect(line.split(separator: " ").dropFirst(3).prefix(2) == ["2048", "2048"])
        #expect(try server.stop() == 0)
    }
}
