import BerthMessages
import Cryptography
import Domain
import Messages
import StandardMessages
import Testing

@testable import AgentCore

@Suite struct JobVerifierTests {
    private let key: SigningKey
    private var verifier: JobVerifier
    private let session = AgentSessionID(bytes: Array(0..<16))
    private let now = Timestamp(microsecondsSince1970: 1_800_000_000_000_000)

    init() throws {
        key = try SigningKey.generate()
        verifier = JobVerifier(
            serverID: Sample.server,
            controlPlaneKey: try VerificationKey(bytes: key.publicKey))
        verifier.begin(session)
    }

    private func job(
        token: Int64 = 1, nonce: UInt8 = 1, change: (inout AgentV1.Job) -> Void = { _ in }
    ) -> AgentV1.Job {
        .with {
            $0.serverID = "\(Sample.server)"
            $0.sessionID = session.bytes
            $0.nonce = [UInt8](repeating: nonce, count: 16)
            $0.issueTime = GoogleProtobuf.Timestamp(now)
            $0.expireTime = GoogleProtobuf.Timestamp(now.advanced(by: .seconds(60)))
            $0.reference = AgentV1.JobReference(Sample.reference(token))
            $0.serviceID = "\(Sample.service)"
            $0.kind = .purge(.with { $0.volumeName = "berth-data-1" })
            change(&$0)
        }
    }

    private func sign(
        _ job: AgentV1.Job, as name: String = SignedText.job, with key: SigningKey? = nil
    ) throws -> AgentV1.SignedEnvelope {
        let payload = try Wire.encode(job)
        let signature = try (key ?? self.key).sign(SignedText.of(name, payload))
        return .with {
            $0.payload = payload
            $0.signature = signature
        }
    }

    private mutating func refusal(
        _ envelope: AgentV1.SignedEnvelope, at time: Timestamp? = nil
    ) -> JobVerifier.Refusal? {
        do {
            _ = try verifier.verify(envelope, now: time ?? now)
            return nil
        } catch {
            return error.refusal
        }
    }

    @Test("a job of the pinned key, this server and this stream is obeyed once")
    mutating func obeys() throws {
        let envelope = try sign(job())
        #expect(
            try verifier.verify(envelope, now: now)
                == .work(
                    AgentJob(
                        reference: Sample.reference(1), serviceID: Sample.service,
                        kind: .purge(volumeName: "berth-data-1"))))
        #expect(refusal(envelope) == .replayed)
    }

    @Test("another key's signature, a changed payload or a report's signature is refused")
    mutating func signatures() throws {
        let other = try SigningKey.generate()
        #expect(refusal(try sign(job(), with: other)) == .badSignature)
        #expect(refusal(try sign(job(), as: SignedText.report)) == .badSignature)
        var changed = try sign(job())
        changed.payload[0] ^= 1
        #expect(refusal(changed) == .badSignature)
        changed.signature = []
        #expect(refusal(changed) == .badSignature)
    }

    @Test("a job of another server, of another stream or too late is refused")
    mutating func places() throws {
        let otherServer = job { $0.serverID = "018f2f9e-6d3a-7c41-9f6e-0d6c1b1f2aff" }
        #expect(refusal(try sign(otherServer)) == .wrongServer)
        #expect(refusal(try sign(job { $0.sessionID[0] ^= 1 })) == .wrongSession)
        #expect(refusal(try sign(job { $0.sessionID = [] })) == .wrongSession)
        let late = now.advanced(by: .seconds(60))
        #expect(refusal(try sign(job(nonce: 2)), at: late) == .expired)
        verifier.begin(AgentSessionID(bytes: Array(16..<32)))
        #expect(refusal(try sign(job(nonce: 3))) == .wrongSession)
    }

    @Test("an older token of the service is refused, the same and a newer one are not")
    mutating func tokens() throws {
        #expect(refusal(try sign(job(token: 5, nonce: 1))) == nil)
        #expect(refusal(try sign(job(token: 4, nonce: 2))) == .staleToken)
        #expect(refusal(try sign(job(token: 5, nonce: 3))) == nil)
        #expect(refusal(try sign(job(token: 6, nonce: 4))) == nil)
        // Across streams too.
        let next = AgentSessionID(bytes: Array(16..<32))
        verifier.begin(next)
        let old = job(token: 5, nonce: 5) { $0.sessionID = Array(16..<32) }
        #expect(refusal(try sign(old)) == .staleToken)
    }

    @Test("signed nonsense is malformed")
    mutating func malformed() throws {
        #expect(refusal(try sign(job { $0.nonce = [1] })) == .malformed)
        #expect(refusal(try sign(job { $0.expireTime = nil })) == .malformed)
        #expect(refusal(try sign(job(nonce: 2) { $0.kind = nil })) == .malformed)
        #expect(refusal(try sign(job(nonce: 3) { $0.reference = nil })) == .malformed)
        #expect(refusal(try sign(job(nonce: 4) { $0.serviceID = "x" })) == .malformed)
        let path = job(nonce: 5) { $0.kind = .purge(.with { $0.volumeName = "/etc" }) }
        #expect(refusal(try sign(path)) == .malformed)
        let payload: [UInt8] = [0xFF]
        let signature = try key.sign(SignedText.of(SignedText.job, payload))
        let envelope = AgentV1.SignedEnvelope.with {
            $0.payload = payload
            $0.signature = signature
        }
        #expect(refusal(envelope) == .malformed)
    }

    @Test("nonces are remembered until they expire, and no more than fit")
    func nonces() {
        var memory = NonceMemory(noncesMax: 100)
        let expiry = now.advanced(by: .seconds(1))
        for number in 0..<100 {
            let nonce = withUnsafeBytes(of: number) { Array($0) }
            let isNew = memory.insert(nonce, until: expiry, now: now)
            #expect(isNew)
        }
        let fitsNot = memory.insert([1], until: expiry, now: now)
        let later = expiry.advanced(by: .seconds(1))
        let fits = memory.insert([1], until: later, now: expiry)
        let isAgain = memory.insert([1], until: later, now: expiry)
        #expect([fitsNot, fits, isAgain] == [false, true, false])
    }

    @Test("no number of log requests keeps a job from being taken, and none of them is taken twice")
    mutating func logsAndWork() throws {
        func logRequest(_ number: Int) throws -> AgentV1.SignedEnvelope {
            try sign(
                job {
                    $0.nonce = withUnsafeBytes(of: (number, number)) { Array($0) }
                    $0.reference = nil
                    $0.kind = .logs(.with { $0.requestID = "\(number)" })
                })
        }
        for number in 0..<NonceMemory.logRequestsMax {
            guard refusal(try logRequest(number)) == nil else {
                Issue.record("request \(number) was refused")
                return
            }
        }
        #expect(refusal(try logRequest(-1)) == .replayed)
        #expect(refusal(try logRequest(0)) == .replayed)
        #expect(refusal(try sign(job())) == nil)
        #expect(refusal(try sign(job())) == .replayed)
    }

    @Test("reports are numbered from 1 and signed as reports")
    func reports() throws {
        var signer = ReportSigner(serverID: Sample.server, sessionID: session, key: key)
        for number in 1...3 {
            let envelope = try signer.sign(.inventory(AgentV1.Inventory()), at: now)
            let report = try Wire.decode(AgentV1.Report.self, from: envelope.payload)
            #expect(report.sequence == Int64(number))
            #expect(report.sessionID == session.bytes)
            let verification = try VerificationKey(bytes: key.publicKey)
            let text = SignedText.of("berth.agent.v1.Report", envelope.payload)
            #expect(try verification.isValid(envelope.signature, of: text))
        }
    }
}
