import Cryptography
import Domain

/// Who the agent is and whom it obeys: what a registration made.
struct AgentIdentity {
    /// The control plane's address, as given.
    var controlPlane: ControlPlaneAddress
    /// The one key whose jobs are obeyed.
    var controlPlaneKey: VerificationKey
    /// The authorities that may vouch for the control plane (PEM); nil for the machine's own.
    var authorities: [UInt8]?
    var serverID: ServerID
    /// The server's name, for people.
    var serverName: String
    /// What the agent shows; a secret.
    var credential: SecretText
    /// What the agent signs with.
    var key: SigningKey

    /// Why a state file is of no use.
    struct Malformed: Error, CustomStringConvertible {
        let field: String
        var description: String {
            "the agent's state file lacks \(field) or has a bad one; register again"
        }
    }

    /// The fields as lines `name=value`.
    var text: String {
        let fields = [
            ("control_plane", controlPlane.description),
            ("control_plane_public_key", Base64URL.encode(controlPlaneKey.bytes)),
            ("authorities", Base64URL.encode(authorities ?? [])),
            ("server_id", "\(serverID)"), ("server_name", serverName.filter { !$0.isNewline }),
            ("credential", credential.revealed),
            ("private_key", Base64URL.encode(key.seed.revealed())),
        ]
        return fields.map { "\($0.0)=\($0.1)\n" }.joined()
    }

    init(
        controlPlane: ControlPlaneAddress, controlPlaneKey: VerificationKey, authorities: [UInt8]?,
        serverID: ServerID, serverName: String, credential: SecretText, key: SigningKey
    ) {
        self.controlPlane = controlPlane
        self.controlPlaneKey = controlPlaneKey
        self.authorities = authorities
        self.serverID = serverID
        self.serverName = serverName
        self.credential = credential
        self.key = key
    }

    /// Reads ``text``.
    /// - Throws: ``Malformed``.
    init(_ text: String) throws {
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
        }
        func value<Value>(_ name: String, _ read: (String) throws -> Value?) throws -> Value {
            guard let text = fields[name], let value = try? read(text) else {
                throw Malformed(field: name)
            }
            return value
        }
        controlPlane = try value("control_plane") { ControlPlaneAddress($0) }
        controlPlaneKey = try value("control_plane_public_key") {
            try Base64URL.decode($0).map { try VerificationKey(bytes: $0) }
        }
        let pem = try value("authorities") { Base64URL.decode($0) }
        authorities = pem.isEmpty ? nil : pem
        serverID = try value("server_id") { ServerID($0) }
        serverName = try value("server_name") { $0 }
        credential = try value("credential") { $0.isEmpty ? nil : SecretText($0) }
        key = try value("private_key") { text in
            guard var seed = Base64URL.decode(text) else { return nil }
            return try SigningKey(seed: SecretBytes(taking: &seed))
        }
    }
}
