import Domain

/// The nonces of jobs that have not expired, so that none is taken twice.
struct NonceMemory {
    /// Jobs that change something and have not expired; one more is refused.
    static let worksMax = 4096
    /// Requests for logs, of which each reader makes two; they have a memory of their own, so that no
    /// number of readers keeps a deployment from being taken.
    static let logRequestsMax = 16_384

    /// How many are kept; one more is refused.
    let noncesMax: Int
    private var expiries: [[UInt8]: Timestamp] = [:]

    /// Remembers nothing yet.
    init(noncesMax: Int) { self.noncesMax = noncesMax }

    /// Notes a nonce.
    /// - Returns: False when it was there already, or no more can be kept.
    mutating func insert(_ nonce: [UInt8], until expiry: Timestamp, now: Timestamp) -> Bool {
        guard expiries[nonce] == nil else { return false }
        if expiries.count >= noncesMax {
            expiries = expiries.filter { $0.value > now }
            guard expiries.count < noncesMax else { return false }
        }
        expiries[nonce] = expiry
        return true
    }
}
