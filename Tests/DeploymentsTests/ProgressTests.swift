import Domain
import Testing

@testable import Deployments

@Suite("How reports move a deployment")
struct ProgressTests {
    @Test("a deployment never goes back to an earlier state of its claim")
    func forward() {
        let order: [(JobProgress.State, DeploymentState)] = [
            (.accepted, .claimed), (.pulling, .pulling), (.starting, .starting),
            (.verifying, .verifying),
        ]
        for (index, (_, now)) in order.enumerated() {
            for (told, (progress, state)) in order.enumerated() {
                #expect(now.advanced(to: progress) == (told > index ? state : now))
            }
        }
    }

    @Test("only the end that was recorded may be told again")
    func ends() {
        let allowed: [JobProgress.State: Set<DeploymentState>] = [
            .succeeded: [.running, .superseded], .failed: [.failed], .cancelled: [.cancelled],
        ]
        let all: [JobProgress.State] = [
            .accepted, .pulling, .starting, .verifying, .succeeded, .failed, .cancelled,
        ]
        for progress in all {
            for state in DeploymentState.allCases {
                #expect(
                    state.isEnd(of: progress) == (allowed[progress]?.contains(state) ?? false))
            }
        }
    }

    @Test("the pause between two tries doubles up to a limit, whatever the count")
    func pauses() {
        let pauses = [1, 2, 3, 4].map { RecordProgress.pause(afterAttempt: $0) }
        #expect(pauses == [.seconds(5), .seconds(10), .seconds(20), .seconds(40)])
        for attempt in [Int32.min, -1, 0] {
            #expect(RecordProgress.pause(afterAttempt: attempt) == .seconds(5))
        }
        for attempt in [Int32(8), 100, .max] {
            #expect(RecordProgress.pause(afterAttempt: attempt) == .seconds(600))
        }
    }

    @Test("the parts of a job fit into the deadline, and a lease outlives several heartbeats")
    func limits() {
        let timeouts = EngineLimits.timeouts(start: .seconds(1000))
        #expect(timeouts.pull + timeouts.start + timeouts.stop < EngineLimits.deadline)
        #expect(EngineLimits.lease >= .seconds(30))
    }
}

@Suite("A reason of agents")
struct ReasonWordTests {
    @Test("is a word for programs or unknown")
    func reasons() {
        #expect(ReasonWord.of("IMAGE_NOT_FOUND_2") == "IMAGE_NOT_FOUND_2")
        let long = String(repeating: "A", count: 65)
        for text in ["", "lower", "TWO WORDS", "É", "A\n", long] {
            #expect(ReasonWord.of(text) == "UNKNOWN")
        }
    }
}
