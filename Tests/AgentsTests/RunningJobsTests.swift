import Domain
import Testing

@testable import Agents

@Suite struct RunningJobsTests {
    static func reference(_ number: UInt64, token: Int64 = 1) -> JobReference {
        JobReference(jobID: JobID(high: 1, low: number), fencingToken: token)
    }

    @Test("a job counts from its sending to its end")
    func counts() {
        var jobs = RunningJobs()
        jobs.begin(Self.reference(1))
        jobs.begin(Self.reference(2))
        #expect(jobs.count == 2)
        let ended = jobs.end(Self.reference(1))
        let endedAgain = jobs.end(Self.reference(1))
        #expect(ended && !endedAgain)
        #expect(jobs.count == 1)
    }

    @Test("the end of an older claim does not end the newer one of the same job")
    func fenced() {
        var jobs = RunningJobs()
        jobs.begin(Self.reference(1, token: 1))
        jobs.begin(Self.reference(1, token: 2))
        #expect(jobs.count == 1)
        let endedOld = jobs.end(Self.reference(1, token: 1))
        let endedNew = jobs.end(Self.reference(1, token: 2))
        #expect(!endedOld && endedNew)
    }

    @Test("a job that two heartbeats do not name is forgotten; one that was on its way is not")
    func reconciles() {
        var jobs = RunningJobs()
        jobs.begin(Self.reference(1))
        jobs.begin(Self.reference(2))
        let outcomes = (0..<3).map { _ in
            (hasRoom: jobs.reconcile([Self.reference(1)]), count: jobs.count)
        }
        #expect(outcomes.map(\.hasRoom) == [false, true, false])
        #expect(outcomes.map(\.count) == [2, 1, 1])
        let ended = jobs.end(Self.reference(1))
        #expect(ended)
    }
}
