import Foundation
import TestSupport
import Testing

/// Who reaches a database, and what code inside it reaches.
@Suite struct ReachabilityTests {
    @Test("a sibling connects through the URI that the create call returned")
    func sibling() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning("Orders DB")
        #expect(database.slug == "orders-db")
        #expect(database.uri.contains("@orders-db:5432/"))
        let version = try harbour.query("SELECT version()", database)
        #expect(version.hasPrefix("PostgreSQL 16"), "\(version)")
        #expect(try harbour.query("SHOW server_encoding", database) == "UTF8")
    }

    @Test("a container of another environment does not, neither by name nor by address")
    func otherEnvironment() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        let other = try harbour.installation.addEnvironment()
        let neighbour = try harbour.create(environmentID: other)
        try harbour.await("RUNNING", of: neighbour)
        // It can reach its own, or the refusals below would prove nothing.
        #expect(try harbour.query("SELECT 1", neighbour) == "1")
        let byName = try harbour.query("SELECT 1", database.uri, fromEnvironment: other)
        #expect(byName.exitCode != 0)
        #expect(byName.standardError.contains("translate host name"), "\(byName.standardError)")
        let container = try #require(try Docker.containers(of: database.serviceID).first)
        let address = try Docker.inspect(
            container, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
        let byAddress = try harbour.query(
            "SELECT 1",
            database.uri.replacingOccurrences(of: "@\(database.slug):", with: "@\(address):")
                + "?connect_timeout=3", fromEnvironment: other)
        #expect(byAddress.exitCode != 0, "\(byAddress.standardOutput)")
    }

    @Test("the host listens on no port for it, and the container has no privilege")
    func hidden() throws {
        let harbour = try Harbour()
        let before = try Self.listeningSockets()
        let database = try harbour.createRunning()
        let container = try #require(try Docker.containers(of: database.serviceID).first)
        // Docker names the ports of the image, each with the host's ports that lead to it: none.
        let ports = try Docker.inspect(
            container, "{{range $port, $hosts := .NetworkSettings.Ports}}{{len $hosts}} {{end}}")
        #expect(ports.split(separator: " ").allSatisfy { $0 == "0" }, "\(ports)")
        #expect(
            try Docker.inspect(container, "{{json .HostConfig.PortBindings}}") == "{}"
                || Docker.inspect(container, "{{json .HostConfig.PortBindings}}") == "null")
        // Other tests open ports meanwhile: what counts is who does, and PostgreSQL's own number.
        let opened = try Self.listeningSockets().subtracting(before)
        for socket in opened {
            #expect(!socket.contains("docker"), "\(socket)")
            #expect(!socket.contains(":5432 "), "\(socket)")
        }
        // The list does show sockets that are opened between its two readings.
        let held = try HeldPort(onEveryAddress: true)
        try held.listen()
        #expect(
            try Self.listeningSockets().subtracting(before)
                .contains { $0.contains(":\(held.number) ") })
        #expect(try Docker.inspect(container, "{{.HostConfig.Privileged}}") == "false")
        #expect(try Docker.inspect(container, "{{json .HostConfig.CapDrop}}") == #"["ALL"]"#)
        #expect(
            try Docker.inspect(container, "{{json .HostConfig.SecurityOpt}}").contains(
                "no-new-privileges"))
        // The catalogue's limits; Docker refuses more processors than there are.
        let processors = try #require(Int(try Docker.succeed(["info", "--format", "{{.NCPU}}"])))
        #expect(
            try Docker.inspect(container, "{{.HostConfig.NanoCpus}}")
                == "\(min(2, processors) * 1_000_000_000)")
        #expect(try Docker.inspect(container, "{{.HostConfig.PidsLimit}}") == "512")
        #expect(try Docker.inspect(container, "{{.HostConfig.Memory}}") == "\(1 << 30)")
        // Equal: no swap.
        #expect(try Docker.inspect(container, "{{.HostConfig.MemorySwap}}") == "\(1 << 30)")
        #expect(
            try Docker.inspect(container, "{{json .HostConfig.LogConfig}}").contains("max-size"))
    }

    /// The host's listening TCP sockets, each with its address, port and program.
    private static func listeningSockets() throws -> Set<String> {
        let sockets = try ChildProcess.run([
            "/usr/bin/ss", "--listening", "--tcp", "--numeric", "--processes", "--no-header",
        ])
        #expect(sockets.exitCode == 0, "\(sockets.standardError)")
        return Set(sockets.standardOutput.split(separator: "\n").map(String.init))
    }

    @Test("from inside, its superuser reaches neither berthd nor PostgreSQL nor Docker")
    func fromInside() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        let container = try #require(try Docker.containers(of: database.serviceID).first)
        let gateway = try Docker.inspect(
            container, "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}")
        // A server that every address of the host answers for, as a control plane of many machines does.
        var options = harbour.installation.options
        options.address = "0.0.0.0:0"
        options.arguments = ["--plaintext-behind-proxy"]
        let open = try Berthd(options)
        let port = try #require(open.address.split(separator: ":").last.flatMap { UInt16($0) })
        // It answers the host itself under that address, or what follows would prove nothing.
        let fromHost = try ChildProcess.run([
            Programs.grpcurl, "-plaintext", "-max-time", "60", "\(gateway):\(port)",
            "grpc.health.v1.Health/Check",
        ])
        #expect(fromHost.standardOutput.contains("SERVING"), "\(fromHost.standardError)")
        try harbour.query("CREATE TABLE out (line text)", database)
        /// What a shell inside the database's container prints, by COPY FROM PROGRAM.
        func shell(_ command: String) throws -> String {
            try harbour.query("TRUNCATE out", database)
            try harbour.query(
                "COPY out FROM PROGRAM $shell$\(command)$shell$", database)
            return try harbour.query("SELECT line FROM out", database)
        }
        #expect(try shell("echo works") == "works")
        // The same command says "open" where somebody answers: its own PostgreSQL.
        func probe(_ address: String, _ port: String) throws -> String {
            try shell(
                "nc -w 2 \(address) \(port) </dev/null >/dev/null 2>&1 && echo open || echo closed")
        }
        try eventually("its own PostgreSQL") { try probe("127.0.0.1", "5432") == "open" }
        let held = try HeldPort(onEveryAddress: true)
        try held.listen()
        for address in Set([gateway, "127.0.0.1"] + (try Self.ownAddresses())) {
            for target in [port, held.number] {
                // Here somebody answers at that address, or its silence would prove nothing.
                #expect(HeldPort.answers(at: address, port: target), "\(address):\(target)")
                #expect(try probe(address, "\(target)") == "closed", "\(address):\(target)")
            }
        }
        #expect(try shell("ls /var/run/docker.sock /run/docker.sock 2>/dev/null | wc -l") == "0")
        #expect(try probe("1.1.1.1", "443") == "closed")
        #expect(try open.stop() == 0)
    }

    /// The IPv4 addresses of this machine but those of bridges, which other tests make and remove.
    private static func ownAddresses() throws -> [String] {
        let list = try ChildProcess.run(["/usr/bin/ip", "-4", "-oneline", "address"])
        var addresses: [String] = []
        for line in list.standardOutput.split(separator: "\n") {
            // Number, interface, family, address with its prefix.
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count > 3, !words[1].hasPrefix("br-"), !words[1].hasPrefix("berth")
            else { continue }
            addresses.append(String(words[3].prefix { $0 != "/" }))
        }
        return addresses
    }

    @Test("its password is in the container's environment and nowhere else")
    func secrecy() throws {
        let harbour = try Harbour()
        let database = try harbour.createRunning()
        let revealed = try harbour.call(
            "ServiceService/RevealConnection", ["serviceId": .string(database.serviceID)])
        let password = revealed["password"].string
        #expect(password.count >= 20)
        // A second order holds it too.
        #expect(try harbour.outcome(of: try harbour.redeploy(database)) == "RUNNING")
        let container = try #require(try Docker.containers(of: database.serviceID).first)
        #expect(try Docker.inspect(container, "{{json .Config.Env}}").contains(password))
        #expect(try !Docker.inspect(container, "{{json .Config.Labels}}").contains(password))
        #expect(!harbour.agent.log.contains(password))
        #expect(!harbour.server.log.contains(password))
        for (name, content) in try harbour.agent.stateFiles() {
            #expect(!content.contains(password), "\(name)")
        }
        let modes = try ChildProcess.run([
            "/usr/bin/find", harbour.agent.stateFolder, "-perm", "/077",
        ])
        #expect(modes.standardOutput.isEmpty, "\(modes.standardOutput)")
        let dump = try ChildProcess.run([
            "\(Programs.postgresBinaries)/pg_dump", harbour.installation.options.databaseURL,
        ])
        #expect(dump.standardOutput.contains(database.serviceID), "\(dump.standardError)")
        #expect(!dump.standardOutput.contains(password))
    }
}
