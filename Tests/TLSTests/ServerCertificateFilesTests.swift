import EventLoops
import Glibc
import TestSupport
import Testing

@testable import TLS

@Suite struct ServerCertificateFilesTests {
    static func error(_ files: ServerCertificateFiles) -> TLSError? {
        do {
            try files.read().verify()
            return nil
        } catch {
            return error
        }
    }

    @Test("good files are read and fit together")
    func good() throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        let files = ServerCertificateFiles(
            certificateChain: issued.certificate, privateKey: issued.key,
            clientAuthorities: authority.path)
        #expect(Self.error(files) == nil)
    }

    @Test("a key that others can read is refused", arguments: ["640", "604", "660"])
    func readableKey(mode: String) throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        try Command.run(["chmod", mode, issued.key])
        let files = ServerCertificateFiles(
            certificateChain: issued.certificate, privateKey: issued.key)
        #expect(Self.error(files) == .readableByOthers(path: issued.key))
        #expect("\(TLSError.readableByOthers(path: "k"))".contains("chmod 600 k"))
    }

    @Test("another certificate's key is refused")
    func otherKey() throws {
        let authority = try TestAuthority()
        let (one, other) = (try authority.issue("one"), try authority.issue("other"))
        let files = ServerCertificateFiles(
            certificateChain: one.certificate, privateKey: other.key)
        #expect(Self.error(files) == .keyMismatch)
    }

    @Test("a key locked by a passphrase is refused, and nobody is asked for it")
    func lockedKey() throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        let locked = "\(authority.folder)/locked.key"
        try Command.run([
            "openssl", "pkey", "-in", issued.key, "-aes256", "-passout", "pass:x", "-out", locked,
        ])
        try Command.run(["chmod", "600", locked])
        let files = ServerCertificateFiles(
            certificateChain: issued.certificate, privateKey: locked)
        #expect(Self.error(files) == .noPrivateKey)
    }

    @Test("a missing, an empty and a broken certificate are told apart")
    func noCertificate() throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        let path = "\(authority.folder)/odd.pem"
        let files = ServerCertificateFiles(certificateChain: path, privateKey: issued.key)
        #expect(Self.error(files) == .unreadable(path: path, .init(function: "open", code: ENOENT)))
        try Command.run(["touch", path])
        #expect(Self.error(files) == .noCertificate)
        let broken = "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n"
        try Command.run(["sh", "-c", "printf -- '\(broken)' > \(path)"])
        guard case .library(let function, _) = Self.error(files) else {
            throw Unexpected(what: "no error of the library")
        }
        #expect(function == "PEM_read_bio_X509")
    }

    @Test("a file longer than the limit is refused")
    func tooLong() throws {
        let authority = try TestAuthority()
        let path = "\(authority.folder)/long.pem"
        try Command.run(["truncate", "-s", "\(PEMFile.lengthMax + 1)", path])
        let files = ServerCertificateFiles(
            certificateChain: path, privateKey: try authority.issue().key)
        #expect(Self.error(files) == .tooLong(path: path))
    }

    @Test("a stamp changes with a file, also when a link is turned to another")
    func stamp() throws {
        let authority = try TestAuthority()
        let (one, other) = (try authority.issue("one"), try authority.issue("other"))
        let link = "\(authority.folder)/link.pem"
        try Command.run(["ln", "-s", one.certificate, link])
        let files = ServerCertificateFiles(certificateChain: link, privateKey: one.key)
        let before = files.stamp()
        #expect(files.stamp() == before)
        try Command.run(["ln", "-sfn", other.certificate, link])
        #expect(files.stamp() != before)
    }
}
