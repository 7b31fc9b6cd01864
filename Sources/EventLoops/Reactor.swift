import CLinux
import Glibc

/// What a descriptor is watched for, and what it became ready for.
public struct Readiness: OptionSet, Sendable {
    /// The bits of ``readable``, ``writable`` and ``closed``.
    public let rawValue: UInt8
    /// Makes a set from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Bytes, a connection or an end of stream can be read.
    public static let readable = Readiness(rawValue: 1)
    /// Bytes can be written.
    public static let writable = Readiness(rawValue: 2)
    /// The peer hung up or the descriptor failed; reported whether asked for or not.
    public static let closed = Readiness(rawValue: 4)
}

/// Something that acts when a descriptor becomes ready.
public protocol ReadinessHandler: AnyObject {
    /// Called on the loop, once a turn for each ready descriptor.
    func ready(_ readiness: Readiness, on loop: isolated EventLoop)
}

/// Something that acts after a turn's events, timers and jobs, such as a connection that writes
/// what the turn produced in one go.
public protocol EndOfTurnHandler: AnyObject {
    /// Called on the loop, once for each time it was asked for.
    func endOfTurn(on loop: isolated EventLoop)
}

/// One descriptor's place in a ``Reactor``. Level-triggered.
public final class Watch {
    let descriptor: Int32
    let id: UInt64
    let handler: any ReadinessHandler
    fileprivate(set) var interest: Readiness

    fileprivate init(
        descriptor: Int32, id: UInt64, interest: Readiness, handler: any ReadinessHandler
    ) {
        self.descriptor = descriptor
        self.id = id
        self.interest = interest
        self.handler = handler
    }
}

/// The epoll set, timers and end-of-turn hooks of one event loop.
///
/// Not Sendable: it belongs to its ``EventLoop`` and so does everything that holds it.
@safe public final class Reactor {
    /// The loop this reactor turns in, for code that begins tasks or boxes values.
    public unowned let loop: EventLoop
    /// The time at which the current turn began; cheap to read.
    public private(set) var now = Instant.now()

    private let epoll: Int32
    private var watches: [UInt64: Watch] = [:]
    private var nextWatchID: UInt64 = 1
    private let timers = TimerQueue()
    private var endOfTurnHandlers: [any EndOfTurnHandler] = []
    // Safe: plain C values, never pointed into beyond a call.
    private var events = unsafe [epoll_event](
        repeating: epoll_event(), count: Reactor.eventsATurnMax)

    /// How many ready descriptors one turn takes from the kernel.
    static let eventsATurnMax = 256
    private static let wakeID: UInt64 = 0

    init(loop: EventLoop, wakeDescriptor: Int32) throws(SystemError) {
        self.loop = loop
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .last("epoll_create1") }
        try control(Int32(EPOLL_CTL_ADD), wakeDescriptor, .readable, id: Reactor.wakeID)
    }

    deinit { close(epoll) }

    /// Watches a non-blocking descriptor until ``stopWatching(_:)``.
    ///
    /// The handler is retained until then. The descriptor stays the caller's to close, after
    /// ``stopWatching(_:)``.
    /// - Throws: ``SystemError`` of `epoll_ctl`.
    public func watch(
        _ descriptor: Int32, for interest: Readiness, handler: any ReadinessHandler
    ) throws(SystemError) -> Watch {
        let watch = Watch(
            descriptor: descriptor, id: nextWatchID, interest: interest, handler: handler)
        nextWatchID += 1
        try control(Int32(EPOLL_CTL_ADD), descriptor, interest, id: watch.id)
        watches[watch.id] = watch
        return watch
    }

    /// Changes what a descriptor is watched for; free when nothing changes.
    /// - Throws: ``SystemError`` of `epoll_ctl`.
    public func update(_ watch: Watch, interest: Readiness) throws(SystemError) {
        guard interest != watch.interest, watches[watch.id] != nil else { return }
        try control(Int32(EPOLL_CTL_MOD), watch.descriptor, interest, id: watch.id)
        watch.interest = interest
    }

    /// Ends a watch; events of this turn that are still to be delivered are dropped.
    public func stopWatching(_ watch: Watch) {
        guard watches.removeValue(forKey: watch.id) != nil else { return }
        // An error means that the descriptor is gone already.
        _ = epoll_ctl(epoll, Int32(EPOLL_CTL_DEL), watch.descriptor, nil)
    }

    /// Runs `body` on the loop once `delay` has passed, unless the timer is cancelled before.
    @discardableResult
    public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> LoopTimer {
        timers.schedule(at: Instant.now().advanced(by: delay), body)
    }

    /// Runs `body` on the loop at `instant`, unless the timer is cancelled before.
    @discardableResult
    public func schedule(at instant: Instant, _ body: @escaping () -> Void) -> LoopTimer {
        timers.schedule(at: instant, body)
    }

    /// Calls `handler` once after the events, timers and jobs of this turn.
    public func callAtEndOfTurn(_ handler: any EndOfTurnHandler) {
        endOfTurnHandlers.append(handler)
    }

    /// Suspends the calling task for `duration`, or less when it is cancelled.
    /// - Throws: `CancellationError`.
    public func sleep(
        for duration: Duration, isolation: isolated (any Actor)? = #isolation
    ) async throws {
        try Task.checkCancellation()
        let sleeper = Sleeper()
        let bound = LoopBound(sleeper, loop: loop)
        let timer = schedule(after: duration) { sleeper.wake() }
        await withTaskCancellationHandler {
            // Keeps the closure on the loop; else each await in it would leave and come back.
            _ = isolation
            await withCheckedContinuation { sleeper.wait($0) }
        } onCancel: {
            bound.use { $0.wake() }
        }
        timer.cancel()
        try Task.checkCancellation()
    }

    private final class Sleeper {
        private var continuation: CheckedContinuation<Void, Never>?
        private var isAwake = false

        /// Resumes at once when woken before: in the first stretch of an immediate task even the
        /// call that makes the continuation may suspend.
        func wait(_ continuation: CheckedContinuation<Void, Never>) {
            if isAwake { continuation.resume() } else { self.continuation = continuation }
        }

        func wake() {
            isAwake = true
            continuation?.resume()
            continuation = nil
        }
    }

    // MARK: The turn, driven by EventLoop

    /// Waits for events until the next timer is due, or not at all when `hurry` is set, and hands
    /// them to their handlers; then fires the timers that are due.
    func pollAndDispatch(on loop: isolated EventLoop, hurry: Bool) throws(SystemError) {
        let timeout = hurry ? 0 : timeoutMilliseconds()
        // Safe: the kernel fills at most `count` entries of an array that outlives the call.
        let count = unsafe events.withUnsafeMutableBufferPointer { buffer in
            unsafe epoll_wait(epoll, buffer.baseAddress, Int32(buffer.count), timeout)
        }
        now = Instant.now()
        guard count >= 0 else {
            if errno == EINTR { return }
            throw .last("epoll_wait")
        }
        for index in 0..<Int(count) {
            // Safe: `u64` is the union member that `control` wrote.
            let id = unsafe events[index].data.u64
            if id == Reactor.wakeID {
                loop.executor.takeRemoteJobs()
            } else if let watch = watches[id] {
                let bits = unsafe events[index].events
                watch.handler.ready(Reactor.readiness(bits), on: loop)
            }
        }
        timers.fire(upTo: now)
    }

    /// Calls the handlers that asked for the end of this turn.
    /// - Returns: Whether there were any.
    func runEndOfTurnHandlers(on loop: isolated EventLoop) -> Bool {
        guard !endOfTurnHandlers.isEmpty else { return false }
        let handlers = endOfTurnHandlers
        endOfTurnHandlers.removeAll(keepingCapacity: true)
        for handler in handlers { handler.endOfTurn(on: loop) }
        return true
    }

    private func timeoutMilliseconds() -> Int32 {
        guard let next = timers.nextInstant() else { return -1 }
        let nanoseconds = Instant.now().duration(to: next).nanosecondsClamped
        // Rounded up: waking early would only mean to wait again.
        return Int32(clamping: max(0, (nanoseconds + 999_999) / 1_000_000))
    }

    private func control(
        _ operation: Int32, _ descriptor: Int32, _ interest: Readiness, id: UInt64
    ) throws(SystemError) {
        // Safe: a union of plain integers; `u64` is the member read back in `pollAndDispatch`, and
        // the kernel copies the event before it returns.
        var event = unsafe epoll_event()
        unsafe event.events = Reactor.epollBits(interest)
        unsafe event.data.u64 = id
        guard unsafe epoll_ctl(epoll, operation, descriptor, &event) == 0 else {
            throw .last("epoll_ctl")
        }
    }

    private static func epollBits(_ interest: Readiness) -> UInt32 {
        var bits: UInt32 = 0
        if interest.contains(.readable) { bits |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
        if interest.contains(.writable) { bits |= EPOLLOUT.rawValue }
        return bits
    }

    private static func readiness(_ bits: UInt32) -> Readiness {
        var result: Readiness = []
        if bits & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0 { result.insert(.readable) }
        if bits & EPOLLOUT.rawValue != 0 { result.insert(.writable) }
        if bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { result.insert(.closed) }
        return result
    }
}
