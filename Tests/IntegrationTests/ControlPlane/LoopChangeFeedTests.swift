import Domain
import EventLoops
import TestSupport
import Testing

@testable import ControlPlane

@Suite struct LoopChangeFeedTests {
    static let environment = EnvironmentID(high: 1, low: 1)
    static let deployment = DeploymentID(high: 1, low: 2)
    static let server = ServerID(high: 1, low: 3)
    static let notice = ChangeNotice(
        hasWork: true, serverID: server, environmentID: environment,
        serviceID: ServiceID(high: 1, low: 4), deploymentID: deployment)

    /// Whether the subscription wakes within the time of a few turns.
    static func wakes(_ subscription: any ChangeSubscription, _ reactor: Reactor) async -> Bool {
        let timer = reactor.schedule(after: .milliseconds(20)) { subscription.cancel() }
        defer { timer.cancel() }
        do {
            try await subscription.next()
            return true
        } catch {
            return false
        }
    }

    @Test(
        "a notice wakes those whom it concerns",
        arguments: [
            ChangeTopic.environment(environment), .deployment(deployment), .work(server),
        ])
    func concerned(_ topic: ChangeTopic) async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let feed = LoopChangeFeed(reactor: reactor)
            let subscription = feed.subscribe(to: topic)
            feed.received(Self.notice)
            #expect(await Self.wakes(subscription, reactor))
        }
    }

    @Test(
        "and nobody else",
        arguments: [
            ChangeTopic.environment(EnvironmentID(high: 9, low: 9)),
            .deployment(DeploymentID(high: 9, low: 9)), .work(ServerID(high: 9, low: 9)),
        ])
    func others(_ topic: ChangeTopic) async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let feed = LoopChangeFeed(reactor: reactor)
            let subscription = feed.subscribe(to: topic)
            feed.received(Self.notice)
            #expect(await !Self.wakes(subscription, reactor))
        }
    }

    @Test("a change without work wakes no agent's stream")
    func noWork() async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let feed = LoopChangeFeed(reactor: reactor)
            let subscription = feed.subscribe(to: .work(Self.server))
            feed.received(
                ChangeNotice(
                    hasWork: false, serverID: Self.server, environmentID: Self.environment,
                    serviceID: ServiceID(high: 1, low: 4), deploymentID: nil))
            #expect(await !Self.wakes(subscription, reactor))
        }
    }

    @Test("notices that came together end one wait")
    func coalesces() async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let feed = LoopChangeFeed(reactor: reactor)
            let subscription = feed.subscribe(to: .deployment(Self.deployment))
            feed.received(Self.notice)
            feed.received(Self.notice)
            try await subscription.next()
            #expect(await !Self.wakes(subscription, reactor))
        }
    }

    @Test("without a notice a subscription wakes after the feed's interval")
    func interval() async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let feed = LoopChangeFeed(reactor: reactor, interval: .milliseconds(5))
            try await feed.subscribe(to: .work(Self.server)).next()
        }
    }

    @Test("everyone wakes when notices may have been missed")
    func missed() async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let feed = LoopChangeFeed(reactor: reactor)
            let subscriptions = [
                feed.subscribe(to: .work(Self.server)),
                feed.subscribe(to: .environment(Self.environment)),
            ]
            feed.wakeAll()
            for subscription in subscriptions { try await subscription.next() }
        }
    }

    @Test("a feed that stops ends every wait, also those that begin later")
    func stops() async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let feed = LoopChangeFeed(reactor: reactor)
            let early = feed.subscribe(to: .work(Self.server))
            reactor.schedule(after: .milliseconds(5)) { feed.stop() }
            let refused = try await problem { try await early.next() }
            #expect(refused.kind == .unavailable)
            let late = try await problem {
                try await feed.subscribe(to: .deployment(Self.deployment)).next()
            }
            #expect(late.kind == .unavailable)
        }
    }

    @Test("a subscription that nobody holds, or that was cancelled, is forgotten")
    func forgotten() async throws {
        try await onLoop { loop, reactor in
            _ = loop
            let feed = LoopChangeFeed(reactor: reactor)
            var held: (any ChangeSubscription)? = feed.subscribe(to: .work(Self.server))
            let cancelled = feed.subscribe(to: .work(Self.server))
            #expect(feed.subscriptionCount == 2)
            cancelled.cancel()
            #expect(feed.subscriptionCount == 1)
            await #expect(throws: CancellationError.self) { try await cancelled.next() }
            _ = held
            held = nil
            #expect(feed.subscriptionCount == 0)
        }
    }
}
