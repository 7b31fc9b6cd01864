import TestSupport
import Testing

/// What code in a database learns by names, on a machine whose resolver listens on loopback: Docker
/// without the patch for CVE-2024-29018 asks that one by itself, whatever the network leads to.
@Suite struct NameTests {
    @Test("its siblings' names are answered, and no other is asked of anybody")
    func names() throws {
        let docker = try OwnEngine()
        let harbour = try Harbour { $0.place = docker.place }
        let program = "\(try Programs.repository)/Tests/EndToEndTests/Python/name_server.py"
        let resolver = try ChildProcess(
            docker.place.entry + [try Programs.python, program, "serve"])
        // It hears what the machine asks, or its silence would prove nothing.
        try eventually("the resolver: \(resolver.standardError)") {
            _ = try ChildProcess.run(
                docker.place.entry + [try Programs.python, program, "ask", "machine.example"])
            return resolver.standardOutput.contains("machine.example\n")
        }
        let database = try harbour.createRunning()
        let sibling = try harbour.createRunning()
        try harbour.query("CREATE TABLE out (line text)", database)
        /// Whether a name has an address inside the database's container.
        func finds(_ name: String) throws -> Bool {
            try harbour.query("TRUNCATE out", database)
            let command = "nslookup -type=a \(name) >/dev/null 2>&1 && echo found || echo none"
            try harbour.query("COPY out FROM PROGRAM $shell$\(command)$shell$", database)
            return try harbour.query("SELECT line FROM out", database) == "found"
        }
        for name in [sibling.slug, database.slug] {
            try eventually("the address of \(name)") { try finds(name) }
        }
        #expect(try !finds("secret.outside.example"))
        #expect(!resolver.standardOutput.contains("outside"), "\(resolver.standardOutput)")
        #expect(try harbour.server.stop() == 0)
    }
}
