import Domain
import Testing

@testable import Deployments

@Suite("What an inventory says that was not known")
struct ComparisonTests {
    static let service = ServiceID(high: 1, low: 1)
    static let deployment = DeploymentID(high: 2, low: 1)

    static func known(
        _ observed: RunningInstance.Observed = .running, _ message: String = "",
        restarts: Int32 = 0, isSettling: Bool = false, isOutdated: Bool = false,
        isAtWork: Bool = false
    ) -> RunningInstance {
        RunningInstance(
            serviceID: service, environmentID: EnvironmentID(high: 3, low: 1),
            deploymentID: deployment, observed: observed, message: message,
            restartCount: restarts, isSettling: isSettling, isOutdated: isOutdated,
            isAtWork: isAtWork)
    }

    static func seen(
        _ state: ObservedContainer.State, _ message: String = "", restarts: Int32 = 0,
        token: Int64 = 1, deployment: DeploymentID = ComparisonTests.deployment
    ) -> ObservedContainer {
        ObservedContainer(
            serviceID: service, deploymentID: deployment, fencingToken: token, state: state,
            message: message, restartCount: restarts)
    }

    @Test("what is as it was is no change")
    func same() {
        let comparison = Comparison(
            known: [Self.known(.exited, "code 1", restarts: 2)],
            seen: [Self.seen(.exited, "code 1", restarts: 2)])
        #expect(comparison.changes.isEmpty)
        #expect(comparison.missing.isEmpty)
    }

    @Test("state, message and restarts are changes, each alone")
    func changes() {
        for (seen, state) in [
            (Self.seen(.exited), RunningInstance.Observed.exited),
            (Self.seen(.running, "unhealthy"), .running),
            (Self.seen(.running, restarts: 1), .running), (Self.seen(.restarting), .restarting),
        ] {
            let changes = Comparison(known: [Self.known()], seen: [seen]).changes
            #expect(changes.map(\.observed) == [state])
            #expect(changes.map(\.message) == [seen.message])
            #expect(changes.map(\.restartCount) == [seen.restartCount])
        }
    }

    @Test("a container of another deployment is not the one that should run")
    func otherDeployment() {
        let comparison = Comparison(
            known: [Self.known()],
            seen: [Self.seen(.running, deployment: DeploymentID(high: 2, low: 2))])
        #expect(comparison.changes.map(\.observed) == [.missing])
        #expect(comparison.missing == [Self.known()])
    }

    @Test("of two containers of a deployment the newer claim's counts")
    func twoContainers() {
        for seen in [
            [Self.seen(.exited, token: 1), Self.seen(.running, token: 2)],
            [Self.seen(.running, token: 2), Self.seen(.exited, token: 1)],
        ] {
            #expect(Comparison(known: [Self.known()], seen: seen).changes.isEmpty)
        }
    }

    @Test("what is missing is told once and stays to be recovered")
    func missing() {
        let first = Comparison(known: [Self.known()], seen: [])
        #expect(first.changes.map(\.message) == ["the container is gone"])
        let again = Self.known(.missing, "the container is gone")
        let second = Comparison(known: [again], seen: [])
        #expect(second.changes.isEmpty)
        #expect(second.missing == [again])
    }

    @Test("while a job is at work nothing counts, and just after one what is missing does not")
    func atWork() {
        let busy = Comparison(known: [Self.known(isAtWork: true)], seen: [Self.seen(.exited)])
        #expect(busy.changes.isEmpty)
        let settling = Comparison(known: [Self.known(isSettling: true)], seen: [])
        #expect(settling.changes.isEmpty)
        #expect(settling.missing.isEmpty)
        let ended = Comparison(
            known: [Self.known(isSettling: true)], seen: [Self.seen(.exited)])
        #expect(ended.changes.count == 1)
    }

    @Test("an inventory from before the end of the service's last job says nothing of it")
    func outdated() {
        for seen in [[], [Self.seen(.exited)]] {
            let comparison = Comparison(
                known: [Self.known(isSettling: true, isOutdated: true)], seen: seen,
                surveyAge: .seconds(9))
            #expect(comparison.changes.isEmpty)
            #expect(comparison.missing.isEmpty)
        }
        // What ends between this look and the note of it counts more too.
        let gone = Comparison(known: [Self.known()], seen: [], surveyAge: .seconds(9))
        #expect(gone.changes.map(\.age) == [.seconds(9) + EngineLimits.settleDuration])
        let ended = Comparison(
            known: [Self.known()], seen: [Self.seen(.exited)], surveyAge: .seconds(9))
        #expect(ended.changes.map(\.age) == [.seconds(9)])
    }
}
