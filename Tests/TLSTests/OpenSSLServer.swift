import EventLoops
import HTTP2
import TestSupport
import Testing

/// `openssl s_server`, which reverses each line, on a port that the system chooses.
final class OpenSSLServer {
    let address: SocketAddress
    private let program: RunningProgram

    /// Starts it, and waits until it listens.
    init(
        _ issued: TestAuthority.Issued, options: [String] = [], _ reactor: Reactor
    ) async throws {
        let program = try RunningProgram(
            ["openssl", "s_server", "-accept", "127.0.0.1:0"] + options + [
                "-cert", issued.certificate, "-key", issued.key, "-rev",
            ])
        // "ACCEPT 127.0.0.1:41234"
        var port: UInt16?
        for _ in 0..<6000 where port == nil && program.isRunning {
            try await reactor.sleep(for: .milliseconds(10))
            let lines = program.text.split(separator: "\n", omittingEmptySubsequences: false)
            let line = lines.dropLast().first { $0.hasPrefix("ACCEPT ") }
            port = line?.split(separator: ":").last.flatMap { UInt16($0) }
        }
        let found = try #require(port, "\(program.text)")
        address = try #require(SocketAddress(host: "127.0.0.1", port: found))
        self.program = program
    }

    func kill() { program.kill() }
}
