import EventLoops
import Glibc
import RPC
import Testing

/// Runs trials one after another in one scene.
struct FaultDriver {
    private let scene: Scene
    private var trials = 0
    /// The places at which berthd does not know yet whether the caller may create.
    private var authorizing: Set<MessagePoint> = []

    init(_ scene: Scene) { self.scene = scene }

    /// The connections that berthd has made so far.
    var connects: Int { scene.connects }

    /// Every place in the messages of an undisturbed create.
    mutating func points(
        isWarm: Bool, offsets: [MessagePoint.Offset]
    ) async throws -> [MessagePoint] {
        var trap = Trap(at: nil, ofServed: isWarm)
        // A connection that was cut at rest may be given out before anyone could know.
        while try await call(trap, isWarm: isWarm).end().code != .ok {
            scene.stage.proxy.trap = nil
            try await trial("finding the points").callUntilAnswered(scene.client)
            trap = Trap(at: nil, ofServed: isWarm)
        }
        scene.stage.proxy.trap = nil
        authorizing = isWarm ? trap.pointsOfFirstQuestion(offsets: offsets) : []
        return trap.points(offsets: offsets)
    }

    typealias Outcome = (answer: Answer, rows: CreatedRows, isSprung: Bool)

    /// How often a trial begins whose exchange ends before the fault's place: the pool may have made a
    /// connection by itself, or the machine stood still until the caller's deadline.
    private static let attemptsMax = 5

    /// Creates while `fault` strikes at `point`, and verifies.
    ///
    /// - Returns: What the caller saw, what the call has left, and whether the fault struck.
    mutating func run(
        _ fault: ConnectionFault, at point: MessagePoint, isWarm: Bool
    ) async throws -> Outcome {
        var deadline = CreateThroughFaultsTests.deadline
        var outcome = try await attempt(fault, at: point, isWarm: isWarm, deadline)
        for _ in 1..<FaultDriver.attemptsMax where !outcome.isSprung {
            deadline *= 4
            outcome = try await attempt(fault, at: point, isWarm: isWarm, deadline)
        }
        return outcome
    }

    private mutating func attempt(
        _ fault: ConnectionFault, at point: MessagePoint, isWarm: Bool, _ deadline: Duration
    ) async throws -> Outcome {
        let reactor = scene.stage.reactor
        let caller = Caller()
        let trap = Trap(at: point, ofServed: isWarm) { connection in
            fault.strike(connection, caller, reactor)
        }
        let timeout = fault == .pastDeadline ? deadline : nil
        let call = try await call(trap, isWarm: isWarm, timeout: timeout)
        caller.call = call
        let answer = try await call.end()
        scene.stage.proxy.trap = nil
        if fault == .pastDeadline { scene.stage.proxy.releaseAll() }
        try await scene.quiet()
        let trial = trial("\(fault.rawValue), \(point), \(isWarm ? "warm" : "cold")")
        if trap.isSprung {
            // Behind the last message of PostgreSQL there is nothing left to wait for.
            let isTold =
                fault == .pastDeadline && point.direction == .backend && point.offset == .after
                && answer.code == .ok
            if !isTold { check(answer, fault, trial.label, isWarm: isWarm) }
            if fault == .cut, authorizing.contains(point) {
                #expect(
                    answer.code == .unavailable && answer.saysNothingWasWritten,
                    "\(trial.label): \(answer)")
            }
        }
        let rows = try await trial.verify(
            answer, scene.client, mayBeSilent: fault == .cancelled && trap.isSprung)
        return (answer, rows, trap.isSprung)
    }

    /// What a caller may see, over what every fault may lead to.
    private func check(_ answer: Answer, _ fault: ConnectionFault, _ label: String, isWarm: Bool) {
        switch fault {
        case .cut, .backendEnded, .backendEnding, .clusterKilled:
            let codes: [StatusCode?] = [.ok, .unavailable, .unknown]
            #expect(codes.contains(answer.code), "\(label): \(answer)")
        case .stalled:
            // A connection that was cut at rest may be given out before anyone could know.
            let isFine = answer.code == .ok || (!isWarm && answer.saysNothingWasWritten)
            #expect(isFine, "\(label): \(answer)")
        case .cancelled:
            #expect(answer.code == nil, "\(label): \(answer)")
        case .pastDeadline:
            #expect(answer.code == .deadlineExceeded, "\(label): \(answer)")
            // Held as it is, it would wait for ever.
            #expect(answer.took < .seconds(20), "\(label): \(answer)")
        }
    }

    /// Begins a create whose messages run into `trap`, on a connection that has done it before or on
    /// one that is yet to be made.
    private mutating func call(
        _ trap: Trap, isWarm: Bool, timeout: Duration? = nil
    ) async throws -> OutgoingCall {
        if isWarm {
            trials += 1
            try await trial("warming up").callUntilAnswered(scene.client)
            try await scene.quiet()
        }
        trials += 1
        if !isWarm { scene.stage.proxy.cutAll() }
        scene.stage.proxy.trap = trap
        return try trial("").begin(scene.client, timeout: timeout)
    }

    private func trial(_ label: String) -> CreateTrial {
        CreateTrial(stage: scene.stage, number: trials, label: label)
    }

    /// The call that a fault may make its caller give up.
    final class Caller {
        var call: OutgoingCall?
    }
}

extension ConnectionFault {
    /// Does what the fault does, at its message.
    func strike(_ connection: ProxiedConnection, _ caller: FaultDriver.Caller, _ reactor: Reactor) {
        switch self {
        case .cut:
            connection.cut()
        case .backendEnded:
            // Before it has said its process there is no transaction to hit.
            guard connection.backendProcess != nil else { return connection.cut() }
            connection.isReleasedByServersEnd = true
            connection.hold()
            connection.signalBackend(SIGTERM)
        case .backendEnding:
            connection.signalBackend(SIGTERM)
        case .stalled:
            connection.hold()
            reactor.schedule(after: CreateThroughFaultsTests.stall) { connection.release() }
        case .cancelled:
            connection.hold()
            caller.call?.cancel()
            reactor.schedule(after: CreateThroughFaultsTests.stall) { connection.release() }
        case .pastDeadline:
            connection.hold()
        case .clusterKilled:
            connection.isReleasedByServersEnd = true
            connection.hold()
            connection.signalBackend(SIGKILL)
        }
    }
}

extension Trap {
    /// The places before berthd has the first row of the first answer, on a connection that was
    /// there before.
    func pointsOfFirstQuestion(offsets: [MessagePoint.Offset]) -> Set<MessagePoint> {
        let ends: [(Direction, Character)] = [(.frontend, "S"), (.backend, "D")]
        return Set(
            ends.flatMap { direction, type -> [MessagePoint] in
                guard let end = seen[direction]?.firstIndex(of: type) else { return [] }
                return (0...end).flatMap { index in
                    offsets.map { MessagePoint(direction: direction, index: index, offset: $0) }
                }
            })
    }

    /// Every place among the messages that passed, and the places after the last of each direction.
    func points(offsets: [MessagePoint.Offset]) -> [MessagePoint] {
        Direction.allCases.flatMap { direction -> [MessagePoint] in
            let count = seen[direction]?.count ?? 0
            let within = (0..<count).flatMap { index in
                offsets.map { MessagePoint(direction: direction, index: index, offset: $0) }
            }
            return within + [MessagePoint(direction: direction, index: count - 1, offset: .after)]
        }
    }
}
