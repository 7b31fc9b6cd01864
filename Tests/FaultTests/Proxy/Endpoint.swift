import EventLoops
import Glibc

/// One of the two sockets of a proxied connection.
final class Endpoint: ReadinessHandler {
    private let reactor: Reactor
    private let descriptor: Int32
    private var watch: Watch?
    private var unsent: [UInt8] = []
    private var endsAfterUnsent = false
    private(set) var isInputEnded = false

    /// Called with what was read; empty at the end of the input.
    var received: ((ArraySlice<UInt8>) -> Void)?

    init(_ descriptor: Int32, reactor: Reactor) throws {
        self.descriptor = descriptor
        self.reactor = reactor
        watch = try reactor.watch(descriptor, for: .readable, handler: self)
    }

    var isClosed: Bool { watch == nil }

    func write(_ bytes: [UInt8]) {
        guard watch != nil else { return }
        unsent.append(contentsOf: bytes)
        flush()
    }

    /// Ends our direction once everything is written.
    func endWriting() {
        endsAfterUnsent = true
        flush()
    }

    /// Closes at once; what was not read or written is lost.
    func close() {
        guard let watch else { return }
        self.watch = nil
        received = nil
        reactor.stopWatching(watch)
        // A program that another test started at the wrong moment may hold it open as well.
        shutdown(descriptor, Int32(SHUT_RDWR))
        _ = Glibc.close(descriptor)
    }

    func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
        if readiness.contains(.writable) { flush() }
        guard !isInputEnded, !readiness.subtracting(.writable).isEmpty else { return }
        var buffer = [UInt8](repeating: 0, count: 65536)
        while watch != nil {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return }
            guard count > 0 else {
                isInputEnded = true
                updateInterest()
                received?([])
                return
            }
            received?(buffer[..<count])
        }
    }

    private func flush() {
        while watch != nil, !unsent.isEmpty {
            let count = send(descriptor, unsent, unsent.count, Int32(MSG_NOSIGNAL))
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { break }
            // Nobody reads any more: what is left is lost, as on a network.
            unsent.removeFirst(count < 0 ? unsent.count : count)
        }
        if watch != nil, unsent.isEmpty, endsAfterUnsent { shutdown(descriptor, Int32(SHUT_WR)) }
        updateInterest()
    }

    private func updateInterest() {
        guard let watch else { return }
        var interest: Readiness = isInputEnded ? [] : .readable
        if !unsent.isEmpty { interest.insert(.writable) }
        do { try reactor.update(watch, interest: interest) } catch { close() }
    }
}
