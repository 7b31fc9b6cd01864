import EventLoops
import Glibc
import TestSupport
import Testing

@Suite struct ReactorTests {
    /// Notes what it becomes ready for.
    final class Recorder: ReadinessHandler {
        var seen: [Readiness] = []
        var act: (Readiness) -> Void = { _ in }
        func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
            seen.append(readiness)
            act(readiness)
        }
    }

    /// Both ends of a non-blocking socket pair, closed together.
    final class SocketPair {
        let ends: [Int32]
        init() {
            var ends: [Int32] = [0, 0]
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK, 0, &ends)
            self.ends = ends
        }
        deinit { for end in ends { close(end) } }
        func send(_ text: String) { _ = write(ends[1], text, text.utf8.count) }
        func receive() -> Int {
            var buffer = [UInt8](repeating: 0, count: 64)
            return read(ends[0], &buffer, 64)
        }
    }

    @Test("a descriptor is reported as long as it stays readable, and no more once it was read")
    func readable() async throws {
        try await onLoop { _, reactor in
            let pair = SocketPair()
            let recorder = Recorder()
            let watch = try reactor.watch(pair.ends[0], for: .readable, handler: recorder)
            try await reactor.sleep(for: .milliseconds(5))
            #expect(recorder.seen.isEmpty)
            pair.send("hello")
            while recorder.seen.count < 3 { try await reactor.sleep(for: .milliseconds(1)) }
            #expect(recorder.seen.allSatisfy { $0 == .readable })
            #expect(pair.receive() == 5)
            let count = recorder.seen.count
            try await reactor.sleep(for: .milliseconds(5))
            #expect(recorder.seen.count <= count + 1)
            reactor.stopWatching(watch)
        }
    }

    @Test("a watch reports what it is interested in, as that changes")
    func interest() async throws {
        try await onLoop { _, reactor in
            let pair = SocketPair()
            let recorder = Recorder()
            let watch = try reactor.watch(pair.ends[0], for: .writable, handler: recorder)
            while recorder.seen.isEmpty { try await reactor.sleep(for: .milliseconds(1)) }
            #expect(recorder.seen[0] == .writable)
            try reactor.update(watch, interest: .readable)
            try await reactor.sleep(for: .milliseconds(2))
            recorder.seen = []
            try await reactor.sleep(for: .milliseconds(5))
            #expect(recorder.seen.isEmpty)
            pair.send("x")
            while recorder.seen.isEmpty { try await reactor.sleep(for: .milliseconds(1)) }
            #expect(recorder.seen[0] == .readable)
            reactor.stopWatching(watch)
        }
    }

    @Test("a peer that hangs up is reported")
    func hangUp() async throws {
        try await onLoop { _, reactor in
            let pair = SocketPair()
            let recorder = Recorder()
            let watch = try reactor.watch(pair.ends[0], for: .readable, handler: recorder)
            shutdown(pair.ends[1], Int32(SHUT_RDWR))
            while recorder.seen.isEmpty { try await reactor.sleep(for: .milliseconds(1)) }
            #expect(recorder.seen[0].contains(.readable))
            #expect(recorder.seen[0].contains(.closed))
            reactor.stopWatching(watch)
        }
    }

    @Test("a handler that stops another's watch spares it the events of the same turn")
    func stoppedInTheSameTurn() async throws {
        try await onLoop { _, reactor in
            let (left, right) = (SocketPair(), SocketPair())
            let (first, second) = (Recorder(), Recorder())
            left.send("x")
            right.send("x")
            let watches = [
                try reactor.watch(left.ends[0], for: .readable, handler: first),
                try reactor.watch(right.ends[0], for: .readable, handler: second),
            ]
            let stopBoth: (Readiness) -> Void = { _ in
                for watch in watches { reactor.stopWatching(watch) }
            }
            first.act = stopBoth
            second.act = stopBoth
            try await reactor.sleep(for: .milliseconds(10))
            #expect(first.seen.count + second.seen.count == 1)
        }
    }

    @Test("a descriptor that cannot be watched is an error of epoll_ctl")
    func badDescriptor() async throws {
        try await onLoop { _, reactor in
            let error = #expect(throws: SystemError.self) {
                _ = try reactor.watch(-1, for: .readable, handler: Recorder())
            }
            #expect(error == SystemError(function: "epoll_ctl", code: EBADF))
        }
    }

    final class EndOfTurn: EndOfTurnHandler {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
        func endOfTurn(on loop: isolated EventLoop) { body() }
    }

    @Test("an end-of-turn handler runs once, after the jobs of the turn")
    func endOfTurn() async throws {
        try await onLoop { loop, reactor in
            var order: [String] = []
            reactor.callAtEndOfTurn(EndOfTurn { order.append("end") })
            Task.immediate(executorPreference: loop.executor) {
                _ = loop
                await Task.yield()
                order.append("job")
            }
            try await reactor.sleep(for: .milliseconds(5))
            #expect(order == ["job", "end"])
        }
    }

    final class Flag { var isSet = false }

    @Test("work that makes work for ever starves neither timers nor descriptors")
    func noStarvation() async throws {
        try await onLoop { loop, reactor in
            let flag = Flag()
            let spinner = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                while !flag.isSet { await Task.yield() }
            }
            let pair = SocketPair()
            let recorder = Recorder()
            let watch = try reactor.watch(pair.ends[0], for: .readable, handler: recorder)
            pair.send("x")
            try await reactor.sleep(for: .milliseconds(5))
            #expect(!recorder.seen.isEmpty)
            flag.isSet = true
            await spinner.value
            reactor.stopWatching(watch)
        }
    }

    @Test("sleep lasts as long as it was told, and less when it is cancelled")
    func sleep() async throws {
        try await onLoop { loop, reactor in
            let began = Instant.now()
            try await reactor.sleep(for: .milliseconds(20))
            #expect(began.duration(to: .now()) >= .milliseconds(20))
            let sleeper = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                try await reactor.sleep(for: .seconds(100))
            }
            try await reactor.sleep(for: .milliseconds(1))
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
        }
    }

    @Test("sleep begun and cancelled in one breath ends")
    func sleepCancelledAtOnce() async throws {
        try await onLoop { loop, reactor in
            let sleeper = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                try await reactor.sleep(for: .seconds(100))
            }
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
        }
    }
}
