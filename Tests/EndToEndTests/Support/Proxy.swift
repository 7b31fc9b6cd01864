import Foundation
import Glibc

/// A proxy in front of a server, as `scripts/proxy` configures it.
final class Proxy: Sendable {
    /// Where browsers find it, `http://127.0.0.1:PORT`.
    let url: String
    /// Where tools find it, `127.0.0.1:PORT`.
    let address: String
    private let process: ChildProcess
    private let folder: Folder

    /// Which proxies there are configurations for.
    enum Kind: CaseIterable, Sendable {
        case caddy, envoy
    }

    /// What the certificate is trusted by, where there is one.
    let authority: String?
    /// Where a name's visitors without TLS come, where there is one, `127.0.0.2:PORT`.
    let plainAddress: String?

    /// Caddy as it stands for a public name, on all addresses, but for the ports, and with certificates of
    /// an authority of its own; reached by an address that a listener on 127.0.0.1 does not have.
    init(caddyFor name: String, to server: Berthd) throws {
        folder = try Folder()
        let port = try FreePort.find()
        let plainPort = try FreePort.find()
        address = "127.0.0.2:\(port)"
        plainAddress = "127.0.0.2:\(plainPort)"
        url = "https://\(name):\(port)"
        authority = "\(folder.path)/caddy/pki/authorities/local/root.crt"
        process = try Proxy.caddy(
            folder,
            [
                "BERTH_SITE": name, "BERTH_BIND": "0.0.0.0", "BERTH_UPSTREAM": server.address,
                "BERTH_HTTP_PORT": "\(plainPort)", "BERTH_HTTPS_PORT": "\(port)",
                "BERTH_CERTIFICATES": "cert_issuer internal",
            ])
        // It signs before it serves, but may listen before both.
        let certificate = "\(folder.path)/caddy/certificates/local/\(name)/\(name).crt"
        try waitUntilListening("Caddy", port) {
            FileManager.default.fileExists(atPath: certificate)
        }
    }

    private static func caddy(
        _ folder: Folder, _ environment: [String: String]
    ) throws -> ChildProcess {
        let configuration = "\(try Programs.repository)/scripts/proxy/Caddyfile"
        let places = ["XDG_DATA_HOME": folder.path, "XDG_CONFIG_HOME": folder.path]
        return try ChildProcess(
            [Programs.caddy, "run", "--config", configuration, "--adapter", "caddyfile"],
            environment: environment.merging(places) { $1 })
    }

    private func waitUntilListening(
        _ name: String, _ port: UInt16, _ isReady: @Sendable () -> Bool = { true }
    ) throws {
        try eventually("\(name) to listen") { [process] in
            if process.hasEnded {
                throw ChildProcess.Failed(description: "\(name): \(process.standardError)")
            }
            return isReady() && Proxy.isListening(port)
        }
    }

    init(_ kind: Kind, to server: Berthd) throws {
        folder = try Folder()
        let port = try FreePort.find()
        address = "127.0.0.1:\(port)"
        url = "http://\(address)"
        authority = nil
        plainAddress = nil
        let configurations = "\(try Programs.repository)/scripts/proxy"
        switch kind {
        case .caddy:
            process = try Proxy.caddy(
                folder, ["BERTH_SITE": url, "BERTH_UPSTREAM": server.address])
        case .envoy:
            // The configuration as it is, with other ports.
            let parts = server.address.split(separator: ":")
            let text = try String(contentsOfFile: "\(configurations)/envoy.yaml", encoding: .utf8)
                .replacingOccurrences(of: "port_value: 8081", with: "port_value: \(port)")
                .replacingOccurrences(of: "port_value: 7070", with: "port_value: \(parts[1])")
            let file = folder.file("envoy.yaml")
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            process = try ChildProcess([
                Programs.envoy, "--config-path", file, "--use-dynamic-base-id", "--concurrency",
                "1",
                "--log-level", "warning",
            ])
        }
        try waitUntilListening("\(kind)", port)
    }

    deinit { process.signal(SIGTERM) }

    /// What it said, for failures.
    var log: String { process.standardError }

    private static func isListening(_ port: UInt16) -> Bool {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, type, 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
