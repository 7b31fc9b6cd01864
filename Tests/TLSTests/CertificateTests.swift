import EventLoops
import HTTP2
import TestSupport
import Testing

@testable import TLS

@Suite struct CertificateTests {
    /// Connects with the given certificate to a server that asks for one of `authority`.
    static func connect(
        _ authority: TestAuthority, isRequired: Bool, showing identity: TestAuthority.Issued?
    ) async throws -> (failure: String?, isVerified: Bool) {
        let issued = try authority.issue()
        return try await onLoop { _, reactor in
            let authorities = try authority.text()
            let server = try TLSTestServer(
                try issued.credentials(
                    isRequired ? .required(of: authorities) : .optional(of: authorities)),
                reactor)
            let (client, peer) = try await server.greet(
                try TLSConnector(
                    to: "localhost",
                    with: .init(
                        authorities: .only(authorities), identity: try identity?.identity()),
                    reactor: reactor))
            defer { server.close() }
            defer { client.stream.close() }
            if let failure = client.failure {
                #expect(server.acceptor.handshakes.failed == 1)
                return ("\(failure)", false)
            }
            return (nil, try peer.tls.hasPeerCertificate)
        }
    }

    @Test("a client's certificate of the right authority is accepted", arguments: [true, false])
    func rightClient(isRequired: Bool) async throws {
        let authority = try TestAuthority()
        let outcome = try await Self.connect(
            authority, isRequired: isRequired, showing: try authority.issue("agent"))
        #expect(outcome.failure == nil)
        #expect(outcome.isVerified)
    }

    @Test("a client's certificate of another authority is refused", arguments: [true, false])
    func wrongClient(isRequired: Bool) async throws {
        let other = try TestAuthority("another authority")
        let outcome = try await Self.connect(
            try TestAuthority(), isRequired: isRequired, showing: try other.issue("agent"))
        let failure = try #require(outcome.failure)
        #expect(failure.contains("unknown ca"), "\(failure)")
    }

    @Test("a client without a certificate is refused by name of the reason when one is required")
    func noClientCertificate() async throws {
        let outcome = try await Self.connect(
            try TestAuthority(), isRequired: true, showing: nil)
        let failure = try #require(outcome.failure)
        #expect(failure.contains("certificate required"), "\(failure)")
    }

    @Test("a client without a certificate is served when one is optional")
    func optionalClientCertificate() async throws {
        let outcome = try await Self.connect(
            try TestAuthority(), isRequired: false, showing: nil)
        #expect(outcome.failure == nil)
        #expect(!outcome.isVerified)
    }

    @Test("a client refuses a server of another name and of another authority")
    func wrongServer() async throws {
        let authority = try TestAuthority()
        let other = try TestAuthority("another authority")
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try TLSTestServer(try issued.credentials(), reactor)
            for (name, trusted) in [("berth.example", authority), ("localhost", other)] {
                let client = try server.connect(
                    try TLSConnector(
                        to: name, with: .init(authorities: .only(try trusted.text())),
                        reactor: reactor))
                client.send("hello")
                try await server.run(client) { client.failure != nil }
                #expect(
                    "\(String(describing: client.failure))".contains("certificate verify failed"))
                client.stream.close()
            }
            #expect(server.peers.allSatisfy { $0.received.isEmpty })
            server.close()
        }
    }

    @Test("new credentials serve new connections; one that exists goes on")
    func reload() async throws {
        let old = try TestAuthority("old")
        let new = try TestAuthority("new")
        let (oldIssued, newIssued) = (try old.issue(), try new.issue())
        try await onLoop { _, reactor in
            let server = try TLSTestServer(try oldIssued.credentials(), reactor)
            let trustsOld = try TLSConnector(
                to: "localhost", with: .init(authorities: .only(try old.text())), reactor: reactor)
            let trustsNew = try TLSConnector(
                to: "localhost", with: .init(authorities: .only(try new.text())), reactor: reactor)
            let (before, peer) = try await server.greet(trustsOld)
            try server.acceptor.replaceCredentials(try newIssued.credentials())
            let (after, _) = try await server.greet(trustsNew)
            #expect(after.text == "welcome")
            let late = try server.connect(trustsOld)
            try await server.run(late) { late.failure != nil }
            before.send(" again")
            peer.send(" still")
            try await server.run(before) {
                peer.text == "hello again" && before.text == "welcome still"
            }
            #expect(before.failure == nil && peer.failure == nil)
            for client in [before, after, late] { client.stream.close() }
            server.close()
        }
    }

    @Test("a resumed session keeps its verified client certificate")
    func resumedClientCertificate() async throws {
        let authority = try TestAuthority()
        let (issued, agent) = (try authority.issue(), try authority.issue("agent"))
        try await onLoop { _, reactor in
            let server = try TLSTestServer(
                try issued.credentials(.required(of: try authority.text())), reactor)
            let connector = try TLSConnector(
                to: "localhost",
                with: .init(
                    authorities: .only(try authority.text()), identity: try agent.identity()),
                reactor: reactor)
            let (whole, _) = try await server.greet(connector)
            let (resumed, peer) = try await server.greet(connector)
            #expect(try peer.tls.isResumed)
            #expect(try peer.tls.hasPeerCertificate)
            for client in [whole, resumed] { client.stream.close() }
            server.close()
        }
    }
}
