import Domain

/// The nonces of jobs that have not expired, so that none is taken twice.
struct NonceMemory {
    /// More jobs than this cannot be waiting to expire at once; one more is refused.
    static let noncesMax = 4096

    private var expiries: [[UInt8]: Timestamp] = [:]

    /// Notes a nonce.
    /// - Returns: False when it was there already, or no more can be kept.
    mutating func insert(_ nonce: [UInt8], until expiry: Timestamp, now: Timestamp) -> Bool {
        guard expiries[nonce] == nil else { return false }
        if expiries.count >= NonceMemory.noncesMax {
            expiries = expiries.filter { $0.value > now }
            guard expiries.count < NonceMemory.noncesMax else { return false }
        }
        expiries[nonce] = expiry
        return true
    }
}
