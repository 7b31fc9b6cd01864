import BerthMessages
import Cryptography
import Domain
import HTTP2
import Messages
import RPC
import Services
import Testing

@testable import ControlPlane

/// Secrets of agents go over no wire that others can read.
@Suite struct PrivacyTests {
    static func configuration(behindProxy: Bool) throws -> ServeConfiguration {
        ServeConfiguration(
            address: try #require(SocketAddress("127.0.0.1:0")), databaseURL: "",
            sealer: try Modules.sealer(),
            fingerprinter: try HMACRequestFingerprinter(masterKey: Modules.masterKey()), loops: 1,
            catalogue: try DatabaseCatalogue(), quotas: ServeConfiguration.Quotas(),
            isPlaintextBehindProxy: behindProxy)
    }

    @Test(
        "without TLS only this machine's own calls are private, unless a proxy in front has TLS",
        arguments: [
            ("127.0.0.1:4000", true), ("[::1]:4000", true), ("10.1.2.3:4000", false),
            ("[2001:db8::1]:4000", false), ("unknown:0", false),
        ])
    func peers(_ peer: String, _ isLocal: Bool) throws {
        let call = CallContext(peer: peer)
        #expect(try isPrivate(call, Self.configuration(behindProxy: false)) == isLocal)
        #expect(try isPrivate(call, Self.configuration(behindProxy: true)))
    }

    @Test("where others can read along, nobody registers and no stream begins")
    func refused() async throws {
        try await AgentScene.play(isPrivate: false) { scene in
            let token = try await scene.mint()
            let agent = try FakeAgent(scene.first.address, scene.reactor)
            defer { agent.close() }
            var request = AgentV1.RegisterRequest()
            request.registrationToken = token.revealed
            request.publicKey = agent.key.publicKey
            let register = try agent.begin(AgentV1.AgentServiceMethods.register.path, "")
            try register.send(request)
            register.finish()
            try await register.ended()
            #expect(register.status == .failedPrecondition)
            #expect(register.message.contains("needs TLS"))
            let stream = try agent.sayHello()
            try await stream.ended()
            #expect(stream.status == .failedPrecondition)
            #expect(try scene.database.count("registration_tokens") == 1)
        }
    }
}
