import CLinux
import Glibc

/// Something that acts on signals.
public protocol SignalHandler: AnyObject {
    /// Called on the loop, once for each signal that arrived.
    func received(_ signal: Int32, on loop: isolated EventLoop)
}

/// Turns signals of the process into events of one loop (signalfd(2)).
public final class SignalSource: ReadinessHandler {
    private let descriptor: Int32
    private let reactor: Reactor
    private let handler: any SignalHandler
    private var watch: Watch?

    /// Keeps `signals` from their default action in the calling thread and those it starts later.
    ///
    /// Called once, before any other thread exists.
    public static func block(_ signals: [Int32]) {
        var set = signalSet(signals)
        // Safe: both calls only read and write live locals or process state.
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Makes a peer that hangs up an error of `write` instead of a signal that ends the process.
    public static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Delivers `signals`, which ``block(_:)`` has blocked, to `handler`.
    /// - Throws: ``SystemError`` of `signalfd` or `epoll_ctl`.
    public init(_ signals: [Int32], reactor: Reactor, handler: any SignalHandler)
        throws(SystemError)
    {
        var set = SignalSource.signalSet(signals)
        // Safe: the set is a live local that the kernel copies.
        descriptor = unsafe signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
        guard descriptor >= 0 else { throw .last("signalfd") }
        self.reactor = reactor
        self.handler = handler
        watch = try reactor.watch(descriptor, for: .readable, handler: self)
    }

    deinit { close(descriptor) }

    /// Stops delivering.
    public func cancel() {
        guard let watch else { return }
        reactor.stopWatching(watch)
        self.watch = nil
    }

    /// Reads every signal that is pending.
    public func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        // Safe: reads one whole structure into a live local.
        while unsafe read(descriptor, &info, size) == size {
            handler.received(Int32(info.ssi_signo), on: loop)
        }
    }

    private static func signalSet(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        // Safe: fills a live local.
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        return set
    }
}
