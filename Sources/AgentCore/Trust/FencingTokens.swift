import Domain

/// The newest fencing token seen of each service.
///
/// Lives as long as the agent's process; a service's containers remember the rest by their labels.
struct FencingTokens {
    /// More services than this one server does not hold; the oldest knowledge goes first.
    static let servicesMax = 65_536

    private var newest: [ServiceID: Int64] = [:]

    /// Notes a job's token.
    /// - Returns: False when a newer one was seen, so that the job is nobody's any more.
    mutating func admit(_ token: Int64, of service: ServiceID) -> Bool {
        if let seen = newest[service], token < seen { return false }
        if newest.count >= FencingTokens.servicesMax, newest[service] == nil {
            newest.removeAll()
        }
        newest[service] = token
        return true
    }
}
