import Cryptography
import EventLoops
import Glibc
import TestSupport

@testable import TLS

/// A certificate authority for one test, in a folder that goes with it. Nothing of it is committed.
final class TestAuthority: Sendable {
    let folder: String
    let name: String

    init(_ name: String = "authority") throws {
        var template = Array("/tmp/berth-test-tls-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp") }
        folder = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.name = name
        try Command.run(
            ["openssl", "req", "-x509"] + TestAuthority.newKey + [
                "-subj", "/CN=\(name)", "-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.pem",
            ])
    }

    deinit { _ = try? Command.run(["rm", "-rf", folder]) }

    /// The authority's certificate.
    var path: String { "\(folder)/ca.pem" }
    func text() throws -> [UInt8] { try PEMFile.read(path, isSecret: false) }

    /// A certificate for `localhost` and 127.0.0.1, and its key, as files.
    func issue(
        _ common: String = "localhost", alternatives: String = "DNS:localhost,IP:127.0.0.1",
        key: [String] = TestAuthority.newKey
    ) throws -> Issued {
        let issued = Issued(
            certificate: "\(folder)/\(common).pem", key: "\(folder)/\(common).key")
        try Command.run(
            ["openssl", "req", "-x509", "-CA", path, "-CAkey", "\(folder)/ca.key"]
                + key + [
                    "-subj", "/CN=\(common)", "-addext", "subjectAltName=\(alternatives)",
                    "-addext", "basicConstraints=critical,CA:FALSE",
                    "-keyout", issued.key, "-out", issued.certificate,
                ])
        return issued
    }

    /// A certificate's files.
    struct Issued {
        let certificate: String
        let key: String

        func identity() throws -> ClientCredentials.Identity {
            ClientCredentials.Identity(
                certificateChain: try PEMFile.read(certificate, isSecret: false),
                privateKey: SecretBytes(copying: try PEMFile.read(key, isSecret: true)))
        }

        func credentials(_ clients: ServerCredentials.Clients = .unasked) throws
            -> ServerCredentials
        {
            try ServerCredentials(
                certificateChain: try PEMFile.read(certificate, isSecret: false),
                privateKey: SecretBytes(copying: try PEMFile.read(key, isSecret: true)),
                clients: clients)
        }
    }

    static let newKey = [
        "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
    ]
    /// One whose signatures cost the server milliseconds.
    static let slowKey = ["-newkey", "rsa:4096", "-nodes", "-days", "2"]
}
