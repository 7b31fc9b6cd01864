import Foundation
import TestSupport

/// A running `interop-server` on a port of its own.
final class InteropServer: Sendable {
    let program: RunningProgram
    let port: Int
    /// What its certificate is trusted by; nil without TLS.
    let authority: String?
    private let folder: Folder?

    /// Starts it and waits for its port.
    init(tls: Bool = false, _ arguments: [String] = []) throws {
        var command = try [Programs.interopServer, "--port", "0"] + arguments
        folder = tls ? try Folder() : nil
        authority = folder.map { "\($0.path)/cert.pem" }
        if let folder, let authority {
            try Command.run([
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout", "\(folder.path)/key.pem", "-out", authority,
            ])
            command += ["--tls-cert", authority, "--tls-key", "\(folder.path)/key.pem"]
        }
        let program = try RunningProgram(command, environment: InteropServer.allocator)
        self.program = program
        port = try InteropServer.waitForPort(program)
    }

    /// Bytes from which glibc gives a block back to the system as soon as it is free. Left to itself
    /// it raises both numbers to the largest block that it has seen, and then what a test measures is
    /// how the heap happens to lie. (`berthd` itself runs on another allocator.)
    private static let allocator = [
        "MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_TRIM_THRESHOLD_": "262144",
    ]

    /// In the clear, for every test that leaves it running.
    static let plain = Result { try InteropServer() }
    /// With TLS, for every test that leaves it running.
    static let encrypted = Result { try InteropServer(tls: true) }

    /// The shared server of that kind.
    static func shared(tls: Bool) throws -> InteropServer { try (tls ? encrypted : plain).get() }

    /// It prints the port on a line of its own.
    private static func waitForPort(_ program: RunningProgram) throws -> Int {
        let end = ContinuousClock.now.advanced(by: .seconds(60))
        while ContinuousClock.now < end, program.isRunning {
            let text = program.text
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            if let port = lines.dropLast().lazy.compactMap({ Int($0) }).first { return port }
            usleep(5000)
        }
        throw Failed(description: "interop-server did not say its port: \(program.text)")
    }

    struct Failed: Error, CustomStringConvertible { let description: String }
}

/// A folder that goes with this object.
final class Folder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/berth-test-conformance-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw InteropServer.Failed(description: "mkdtemp failed")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
