import Domain
import EventLoops

/// The change feed of one loop: told of each notice that the process heard, it wakes who listens.
final class LoopChangeFeed: ChangeFeed {
    private let reactor: Reactor
    private let interval: Duration
    private var isStopped = false
    private var subscriptions: [ChangeTopic: [ObjectIdentifier: WeakSubscription]] = [:]

    /// How long a subscription sleeps at most: a lost notice delays what it tells of by as much.
    static let intervalDefault = Duration.seconds(30)

    private struct WeakSubscription {
        weak var subscription: LoopChangeSubscription?
    }

    init(reactor: Reactor, interval: Duration = LoopChangeFeed.intervalDefault) {
        self.reactor = reactor
        self.interval = interval
    }

    func subscribe(to topic: ChangeTopic) -> any ChangeSubscription {
        let subscription = LoopChangeSubscription(
            reactor: reactor, interval: interval, topic: topic, feed: self)
        subscriptions[topic, default: [:]][ObjectIdentifier(subscription)] =
            WeakSubscription(subscription: subscription)
        if isStopped { subscription.stop() }
        return subscription
    }

    /// Ends every wait, those included that begin later: a loop that drains does not wait for calls
    /// that only watch.
    func stop() {
        isStopped = true
        for entries in subscriptions.values {
            for entry in entries.values { entry.subscription?.stop() }
        }
    }

    /// How many subscriptions there are.
    var subscriptionCount: Int { subscriptions.values.reduce(0) { $0 + $1.count } }

    /// Wakes whoever a notice concerns.
    func received(_ notice: ChangeNotice) {
        wake(.environment(notice.environmentID))
        if let deployment = notice.deploymentID { wake(.deployment(deployment)) }
        if notice.hasWork, let server = notice.serverID { wake(.work(server)) }
    }

    /// Wakes everyone: notices may have been missed.
    func wakeAll() {
        for topic in subscriptions.keys { wake(topic) }
    }

    /// Wakes those who follow an environment: a server came or went, which changes the states of the
    /// services on it.
    func wakeEnvironments() {
        for topic in subscriptions.keys {
            if case .environment = topic { wake(topic) }
        }
    }

    private func wake(_ topic: ChangeTopic) {
        for entry in subscriptions[topic, default: [:]].values { entry.subscription?.changed() }
    }

    fileprivate func forget(_ id: ObjectIdentifier, _ topic: ChangeTopic) {
        subscriptions[topic]?[id] = nil
        if subscriptions[topic]?.isEmpty == true { subscriptions[topic] = nil }
    }
}

/// One listener's place in a loop's feed.
final class LoopChangeSubscription: ChangeSubscription {
    private let reactor: Reactor
    private let interval: Duration
    private let topic: ChangeTopic
    private weak var feed: LoopChangeFeed?
    private let signal: LoopSignal
    private var isCancelled = false
    private var isStopped = false

    fileprivate init(
        reactor: Reactor, interval: Duration, topic: ChangeTopic, feed: LoopChangeFeed
    ) {
        self.reactor = reactor
        self.interval = interval
        self.topic = topic
        self.feed = feed
        signal = LoopSignal(reactor: reactor)
    }

    deinit { feed?.forget(ObjectIdentifier(self), topic) }

    func next() async throws {
        try checkEnd()
        let timer = reactor.schedule(after: interval) { [signal] in signal.raise() }
        defer { timer.cancel() }
        try await signal.wait()
        try checkEnd()
    }

    private func checkEnd() throws {
        if isCancelled { throw CancellationError() }
        if isStopped { throw Problem(.unavailable, "the server is stopping") }
    }

    func cancel() {
        isCancelled = true
        feed?.forget(ObjectIdentifier(self), topic)
        signal.raise()
    }

    fileprivate func changed() { signal.raise() }

    fileprivate func stop() {
        isStopped = true
        signal.raise()
    }
}
