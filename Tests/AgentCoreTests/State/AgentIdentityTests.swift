import Cryptography
import Domain
import Glibc
import TestSupport
import Testing

@testable import AgentCore

@Suite struct AgentIdentityTests {
    private func identity() throws -> AgentIdentity {
        AgentIdentity(
            controlPlane: try #require(ControlPlaneAddress("https://berth.example:7443")),
            controlPlaneKey: try VerificationKey(bytes: SigningKey.generate().publicKey),
            authorities: Array("-----BEGIN CERTIFICATE-----\n".utf8), serverID: Sample.server,
            serverName: "one\ntwo", credential: SecretText("bsc_1=2"),
            key: try SigningKey.generate())
    }

    private func withFolder(_ body: (StateFolder) throws -> Void) throws {
        var template = Array("/tmp/berth-test-state-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { _ = try? Command.run(["rm", "-rf", path]) }
        try body(StateFolder(path: "\(path)/state"))
    }

    @Test("a registration that is read again is another's by its server, and new by its credential")
    func renewal() throws {
        let current = try identity()
        var later = try identity()
        #expect(Renewal(from: current, to: later) == .none, "keys go with credentials")
        later.credential = SecretText("berth_agent_2")
        #expect(Renewal(from: current, to: later) == .newCredential)
        later.serverID = Sample.id("\(Sample.service)", as: ServerID.self)
        #expect(Renewal(from: current, to: later) == .otherServer)
    }

    @Test("an identity that was kept is read again, from files that are the owner's alone")
    func roundTrip() throws {
        try withFolder { folder in
            let kept = try identity()
            try folder.save(kept)
            let read = try folder.load()
            #expect(read.text == kept.text.replacing("one\ntwo", with: "onetwo"))
            #expect(read.key.publicKey == kept.key.publicKey)
            #expect(read.credential.revealed == "bsc_1=2")
            #expect(read.authorities == kept.authorities)
            let modes = try Command.run(
                ["stat", "-c", "%a", folder.path, "\(folder.path)/agent.state"])
            #expect(modes == "700\n600")
            #expect(try Command.run(["ls", folder.path]) == "agent.state")
        }
    }

    @Test("a folder or a file that others may read is refused")
    func permissions() throws {
        try withFolder { folder in
            try folder.save(identity())
            try Command.run(["chmod", "644", "\(folder.path)/agent.state"])
            #expect(throws: StateFolder.Refusal.self) { try folder.load() }
            try Command.run(["chmod", "600", "\(folder.path)/agent.state"])
            try Command.run(["chmod", "755", folder.path])
            #expect(throws: StateFolder.Refusal.self) { try folder.load() }
            #expect(throws: StateFolder.Refusal.self) { try folder.save(identity()) }
        }
    }

    @Test("without a registration, or with a broken one, it says what to do")
    func missing() throws {
        try withFolder { folder in
            #expect {
                try folder.load()
            } throws: {
                "\($0)".contains("berth-agent register")
            }
            try folder.save(identity())
            try Command.run(["sh", "-c", "sed -i s/^credential.*// \(folder.path)/agent.state"])
            #expect {
                try folder.load()
            } throws: {
                "\($0)".contains("credential")
            }
        }
    }
}
