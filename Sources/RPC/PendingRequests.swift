import EventLoops

/// The calls of a loop whose requests are still on their way, oldest first.
///
/// Anyone can begin a call and send no more of it, so nobody may lose a place to such calls: each has a
/// time, and where a limit of the loop is met the oldest go first. A request that comes whole is never
/// here for long.
final class PendingRequests {
    private let limits: ServerLimits
    private let reactor: Reactor
    /// The call that began last, if its request is still on its way. Most requests come with their
    /// header sections, and so their calls never get further than this: into the list, to be counted.
    private var newcomer: ServerCall?
    /// The ends of the list of all others.
    private var oldest: ServerCall?
    private unowned var newest: ServerCall?
    private var timer: LoopTimer?
    /// Bytes of the header sections in the list.
    private(set) var headBytes = 0

    init(limits: ServerLimits, reactor: Reactor) {
        self.limits = limits
        self.reactor = reactor
    }

    /// Takes up a call that has just begun.
    func append(_ call: ServerCall) {
        if let newcomer { link(newcomer) }
        newcomer = call
        if timer == nil { watch(call) }
    }

    /// Forgets a call whose request is there, or that is over.
    func remove(_ call: ServerCall) {
        if newcomer === call { newcomer = nil } else if call.isListed { unlink(call) }
    }

    private func link(_ call: ServerCall) {
        call.isListed = true
        headBytes += call.headBytes
        call.older = newest
        if let newest { newest.newer = call } else { oldest = call }
        newest = call
    }

    private func unlink(_ call: ServerCall) {
        call.isListed = false
        headBytes -= call.headBytes
        let (older, newer) = (call.older, call.newer)
        call.older = nil
        call.newer = nil
        if let older { older.newer = newer } else { oldest = newer }
        if let newer { newer.older = older } else { newest = older }
    }

    /// Ends the oldest call, to make room within a limit of the loop.
    /// - Returns: False when there is none.
    func shedOldest(because limit: String) -> Bool {
        guard let call = oldest ?? newcomer else { return false }
        call.abort(
            RPCStatus(
                .resourceExhausted, "\(limit) reached, and the request had not come by then"))
        return true
    }

    private func watch(_ call: ServerCall) {
        let time = limits.requestTimeMax
        timer = reactor.schedule(at: call.context.began.advanced(by: time)) { [weak self] in
            self?.endLate()
        }
    }

    private func endLate() {
        timer = nil
        let now = reactor.now
        while let call = oldest ?? newcomer {
            guard call.context.began.advanced(by: limits.requestTimeMax) <= now else {
                return watch(call)
            }
            call.abort(
                RPCStatus(
                    .resourceExhausted,
                    "the request did not come within requestTimeMax (\(limits.requestTimeMax))"))
        }
    }
}
