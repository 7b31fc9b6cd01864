import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

@Suite struct JobBoardTests {
    /// Runs each job until it is let go or cancelled.
    private final class Work: JobWork {
        var begun: [JobReference] = []
        /// Those that began as the undoing of a job.
        var undone: [JobReference] = []
        var ended: [(JobReference, JobControl.Ending)] = []
        private var open: [JobReference: LoopSignal] = [:]
        private let reactor: Reactor
        init(_ reactor: Reactor) { self.reactor = reactor }

        func run(_ control: JobControl, on loop: isolated EventLoop) async {
            let reference = control.job.reference
            begun.append(reference)
            if control.job.kind == .cancel { undone.append(reference) }
            let signal = LoopSignal(reactor: reactor)
            open[reference] = signal
            try? await signal.wait()
            ended.append((reference, control.ending))
        }

        func letGo(_ reference: JobReference) { open[reference]?.raise() }
    }

    private static func job(
        _ number: UInt64, token: Int64 = 1, service: UInt64? = nil
    ) -> AgentJob {
        AgentJob(
            reference: JobReference(jobID: JobID(high: 0, low: number), fencingToken: token),
            serviceID: ServiceID(high: 0, low: service ?? number), kind: .purge(volumeName: "v1"))
    }

    private static func settle(_ reactor: Reactor) async throws {
        for _ in 0..<5 { try await reactor.sleep(for: .milliseconds(1)) }
    }

    @Test("four jobs run at once, and the next begins when one ends")
    func limit() async throws {
        try await onLoop { loop, reactor in
            let work = Work(reactor)
            let board = JobBoard(work: work)
            for number in 1...6 { board.add(JobBoardTests.job(UInt64(number)), on: loop) }
            try await JobBoardTests.settle(reactor)
            #expect(work.begun.count == 4)
            #expect(board.references.count == 6)
            work.letGo(work.begun[0])
            try await JobBoardTests.settle(reactor)
            #expect(work.begun.count == 5)
            #expect(board.references.count == 5)
            await board.close()
            #expect(work.ended.dropFirst().allSatisfy { $0.1 == .dropped })
        }
    }

    @Test("a newer claim of a service's work drops the older one, and begins after its end")
    func newer() async throws {
        try await onLoop { loop, reactor in
            let work = Work(reactor)
            let board = JobBoard(work: work)
            board.add(JobBoardTests.job(1, token: 1), on: loop)
            try await JobBoardTests.settle(reactor)
            // The same again is nothing new.
            let isNew = board.add(JobBoardTests.job(1, token: 1), on: loop)
            #expect(!isNew)
            board.add(JobBoardTests.job(1, token: 2), on: loop)
            try await JobBoardTests.settle(reactor)
            #expect(work.ended.map(\.1) == [.dropped])
            #expect(work.begun.map(\.fencingToken) == [1, 2])
            await board.close()
        }
    }

    @Test("a lost job is dropped, a cancelled one is undone, whether it runs or waits")
    func endings() async throws {
        try await onLoop { loop, reactor in
            let work = Work(reactor)
            let board = JobBoard(work: work)
            let jobs = (1...6).map { JobBoardTests.job(UInt64($0)) }
            for job in jobs { board.add(job, on: loop) }
            try await JobBoardTests.settle(reactor)
            board.drop([jobs[0].reference, jobs[4].reference])
            let newer = JobReference(jobID: jobs[2].reference.jobID, fencingToken: 2)
            let found = [jobs[1].reference, jobs[5].reference, newer].map { board.cancel($0) }
            #expect(found == [true, true, false])
            try await JobBoardTests.settle(reactor)
            let endings = Dictionary(
                uniqueKeysWithValues: work.ended.map { ($0.0.jobID.low, $0.1) })
            #expect(endings == [1: .dropped, 2: .cancelled])
            // That which waited took its turn, and undoes what an earlier claim may have left.
            #expect(work.undone == [jobs[5].reference])
            #expect(Set(board.references.map(\.jobID.low)) == [3, 4, 6])
            await board.close()
        }
    }

    @Test(
        "an order to undo under a newer token drops the run of the older one, and begins after it")
    func undo() async throws {
        try await onLoop { loop, reactor in
            let work = Work(reactor)
            let board = JobBoard(work: work)
            let job = JobBoardTests.job(1)
            board.add(job, on: loop)
            try await JobBoardTests.settle(reactor)
            let undo = AgentJob(
                reference: JobReference(jobID: job.reference.jobID, fencingToken: 2),
                serviceID: job.serviceID, kind: .cancel)
            #expect(!board.cancel(undo.reference))
            board.add(undo, on: loop)
            try await JobBoardTests.settle(reactor)
            #expect(work.ended.map(\.1) == [.dropped])
            #expect(work.undone == [undo.reference])
            await board.close()
        }
    }

    @Test("while the keeper holds a service its jobs wait")
    func hold() async throws {
        try await onLoop { loop, reactor in
            let work = Work(reactor)
            let board = JobBoard(work: work)
            let job = JobBoardTests.job(1)
            #expect(board.hold(job.serviceID))
            #expect(!board.hold(job.serviceID))
            board.add(job, on: loop)
            try await JobBoardTests.settle(reactor)
            #expect(work.begun.isEmpty)
            board.release(job.serviceID, on: loop)
            try await JobBoardTests.settle(reactor)
            #expect(work.begun == [job.reference])
            #expect(!board.hold(job.serviceID))
            await board.close()
        }
    }
}
