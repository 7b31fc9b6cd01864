import EventLoops
import Testing

@testable import HTTP2

@Suite struct ConnectionLifetimeTests {
    private let start = Instant(nanoseconds: 1_000_000_000_000)

    private func lifetime(
        role: Session.Role = .server, jitter: Double = 1,
        _ change: (inout ConnectionLimits) -> Void
    ) -> ConnectionLifetime {
        var limits = ConnectionLimits()
        limits.keepaliveTime = nil
        limits.connectionIdleTimeMax = nil
        change(&limits)
        return ConnectionLifetime(limits, role: role, now: start, jitter: jitter)
    }

    private func at(_ seconds: Double) -> Instant { start.advanced(by: .seconds(seconds)) }

    @Test("a connection without limits is never looked at")
    func none() {
        var lifetime = lifetime { _ in }
        let (action, next) = lifetime.check(now: at(0), heardAt: at(0), idleSince: at(0))
        #expect(action == nil)
        #expect(next == nil)
    }

    @Test("a silent peer is pinged, and given up when it does not answer in time")
    func silent() {
        var lifetime = lifetime {
            $0.keepaliveTime = .seconds(60)
            $0.keepaliveTimeoutMax = .seconds(20)
        }
        #expect(lifetime.check(now: at(0), heardAt: at(0), idleSince: nil).next == at(60))
        #expect(lifetime.check(now: at(59), heardAt: at(0), idleSince: nil).action == nil)
        let pinged = lifetime.check(now: at(60), heardAt: at(0), idleSince: nil)
        #expect(pinged.action == .ping)
        #expect(pinged.next == at(80))
        #expect(lifetime.check(now: at(79), heardAt: at(0), idleSince: nil).action == nil)
        let given = lifetime.check(now: at(80), heardAt: at(0), idleSince: nil)
        #expect(given.action == .abandon)
        #expect(given.next == nil)
    }

    @Test("whatever the peer sends after the ping shows that it lives")
    func answers() {
        var lifetime = lifetime { $0.keepaliveTime = .seconds(60) }
        #expect(lifetime.check(now: at(60), heardAt: at(0), idleSince: nil).action == .ping)
        let after = lifetime.check(now: at(80), heardAt: at(61), idleSince: nil)
        #expect(after.action == nil)
        #expect(after.next == at(121))
        #expect(lifetime.check(now: at(121), heardAt: at(61), idleSince: nil).action == .ping)
    }

    @Test("a connection that talks is not pinged")
    func talks() {
        var lifetime = lifetime { $0.keepaliveTime = .seconds(60) }
        let check = lifetime.check(now: at(60), heardAt: at(50), idleSince: nil)
        #expect(check.action == nil)
        #expect(check.next == at(110))
    }

    @Test("an idle connection is sent away; one with a stream is not")
    func idle() {
        var lifetime = lifetime { $0.connectionIdleTimeMax = .seconds(100) }
        #expect(lifetime.check(now: at(100), heardAt: at(0), idleSince: nil).action == nil)
        let used = lifetime.check(now: at(200), heardAt: at(0), idleSince: at(150))
        #expect(used.action == nil)
        #expect(used.next == at(250))
        #expect(
            lifetime.check(now: at(250), heardAt: at(0), idleSince: at(150)).action == .leaveIdle)
    }

    @Test("an old connection is sent away, and ended when its calls outlive the grace")
    func old() {
        var lifetime = lifetime(jitter: 0.9) {
            $0.connectionAgeMax = .seconds(1000)
            $0.connectionAgeGraceMax = .seconds(50)
        }
        #expect(lifetime.check(now: at(0), heardAt: at(0), idleSince: nil).next == at(900))
        let old = lifetime.check(now: at(900), heardAt: at(900), idleSince: nil)
        #expect(old.action == .leaveOld)
        #expect(old.next == at(950))
        #expect(lifetime.check(now: at(949), heardAt: at(949), idleSince: nil).action == nil)
        let end = lifetime.check(now: at(950), heardAt: at(950), idleSince: nil)
        #expect(end.action == .end)
        #expect(end.next == nil)
        #expect(lifetime.check(now: at(999), heardAt: at(950), idleSince: nil).action == nil)
    }

    @Test("a client sends nobody away")
    func client() {
        var lifetime = lifetime(role: .client) {
            $0.connectionAgeMax = .seconds(1)
            $0.connectionIdleTimeMax = .seconds(1)
        }
        let check = lifetime.check(now: at(10), heardAt: at(0), idleSince: at(0))
        #expect(check.action == nil)
        #expect(check.next == nil)
    }
}
