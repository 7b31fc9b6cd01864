import BerthMessages
import Cryptography
import Domain
import Messages

/// Decides whether a job may be obeyed. No effects but its own memory.
struct JobVerifier {
    /// Why a job is not obeyed, as ``AgentV1/JobRefusal`` names it.
    enum Refusal: String, Error {
        case wrongServer = "WRONG_SERVER"
        case badSignature = "BAD_SIGNATURE"
        case expired = "EXPIRED"
        case replayed = "REPLAYED"
        case wrongSession = "WRONG_SESSION"
        case staleToken = "STALE_TOKEN"
        case malformed = "MALFORMED"
    }

    /// A job that is refused, as far as it could be read.
    struct Refused: Error {
        let refusal: Refusal
        let reference: AgentV1.JobReference?
    }

    static let nonceBytes = 16

    private let serverID: ServerID
    private var controlPlaneKey: VerificationKey
    private var sessionID: AgentSessionID
    private var works = NonceMemory(noncesMax: NonceMemory.worksMax)
    private var logRequests = NonceMemory(noncesMax: NonceMemory.logRequestsMax)
    private var tokens = FencingTokens()

    /// Obeys the pinned key alone.
    init(serverID: ServerID, controlPlaneKey: VerificationKey) {
        self.serverID = serverID
        self.controlPlaneKey = controlPlaneKey
        sessionID = AgentSessionID(bytes: [])
    }

    /// A new registration pins a key again; what was seen stays seen.
    mutating func pin(_ key: VerificationKey) { controlPlaneKey = key }

    /// A new stream begins: jobs of any other are replays from now on, so their nonces are forgotten.
    mutating func begin(_ session: AgentSessionID) {
        sessionID = session
        works = NonceMemory(noncesMax: NonceMemory.worksMax)
        logRequests = NonceMemory(noncesMax: NonceMemory.logRequestsMax)
    }

    /// Reads a job that may be obeyed, and remembers that it was seen.
    ///
    /// - Parameter now: The control plane's time.
    /// - Throws: ``Refused``.
    mutating func verify(
        _ envelope: AgentV1.SignedEnvelope, now: Timestamp
    ) throws(Refused) -> ReceivedJob {
        let signed = SignedText.of(SignedText.job, envelope.payload)
        // An error of the library proves nothing, and so counts as a bad signature.
        guard (try? controlPlaneKey.isValid(envelope.signature, of: signed)) == true else {
            throw Refused(refusal: .badSignature, reference: nil)
        }
        guard let job = try? Wire.decode(AgentV1.Job.self, from: envelope.payload) else {
            throw Refused(refusal: .malformed, reference: nil)
        }
        do throws(Refusal) {
            return try check(job, now: now)
        } catch {
            throw Refused(refusal: error, reference: job.reference)
        }
    }

    private mutating func check(_ job: AgentV1.Job, now: Timestamp) throws(Refusal) -> ReceivedJob {
        guard ServerID(job.serverID) == serverID else { throw .wrongServer }
        guard !sessionID.bytes.isEmpty, job.sessionID == sessionID.bytes else {
            throw .wrongSession
        }
        guard job.nonce.count == JobVerifier.nonceBytes,
            let expiry = job.expireTime.flatMap({ Timestamp($0) })
        else { throw .malformed }
        guard now < expiry else { throw .expired }
        guard isNew(job, until: expiry, now: now) else { throw .replayed }
        guard let received = ReceivedJob(job) else { throw .malformed }
        if let identity = received.identity {
            guard tokens.admit(identity.reference.fencingToken, of: identity.serviceID) else {
                throw .staleToken
            }
        }
        return received
    }

    /// Remembers a job's nonce; false when it was there before. The same job, sent again, is of the
    /// same kind, and so is looked for where it was noted.
    private mutating func isNew(_ job: AgentV1.Job, until expiry: Timestamp, now: Timestamp) -> Bool
    {
        if case .logs = job.kind {
            return logRequests.insert(job.nonce, until: expiry, now: now)
        }
        return works.insert(job.nonce, until: expiry, now: now)
    }
}
