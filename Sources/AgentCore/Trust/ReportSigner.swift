import BerthMessages
import Cryptography
import Domain
import Messages
import StandardMessages

/// Signs the reports of one stream, numbered from 1 without gaps.
struct ReportSigner {
    private let serverID: ServerID
    private let sessionID: AgentSessionID
    private let key: SigningKey
    private var sequence: Int64 = 0

    /// Begins a stream's numbers.
    init(serverID: ServerID, sessionID: AgentSessionID, key: SigningKey) {
        self.serverID = serverID
        self.sessionID = sessionID
        self.key = key
    }

    /// Signs what there is to tell.
    /// - Throws: `MessageError` or `CryptographyError`; the number is not used up then.
    mutating func sign(
        _ kind: AgentV1.Report.Kind, at time: Timestamp
    ) throws -> AgentV1.SignedEnvelope {
        let report = AgentV1.Report.with {
            $0.serverID = "\(serverID)"
            $0.sessionID = sessionID.bytes
            $0.sequence = sequence + 1
            $0.issueTime = GoogleProtobuf.Timestamp(time)
            $0.kind = kind
        }
        let payload = try Wire.encode(report)
        let signature = try key.sign(SignedText.of(SignedText.report, payload))
        sequence += 1
        return .with {
            $0.payload = payload
            $0.signature = signature
        }
    }
}
