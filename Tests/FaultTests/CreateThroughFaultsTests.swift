import EventLoops
import TestSupport
import Testing

/// What happens to the connection at a message of the create.
enum ConnectionFault: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// Both sides are closed.
    case cut = "the connection is cut"
    /// The backend gets SIGTERM and is gone before anything else passes.
    case backendEnded = "the backend is terminated"
    /// The backend gets SIGTERM while everything passes on.
    case backendEnding = "the backend is terminated while it works"
    /// Nothing passes for some milliseconds.
    case stalled = "the connection stalls for a while"
    /// Nothing passes, the caller gives up, then everything passes.
    case cancelled = "the connection stalls and the caller cancels"
    /// Nothing passes until the caller's deadline has passed.
    case pastDeadline = "the connection stalls past the deadline"
    /// The backend gets SIGKILL, upon which PostgreSQL ends every other and recovers.
    case clusterKilled = "the backend is killed by SIGKILL"

    /// Those that may strike at every message; the others take too long.
    static let everywhere = allCases.filter { $0 != .clusterKilled }

    var testDescription: String { rawValue }
}

@Suite(.serialized) struct CreateThroughFaultsTests {
    static let stall = Duration.milliseconds(10)
    static let deadline = Duration.milliseconds(60)

    @Test(
        "a backend killed by SIGKILL, which restarts the whole cluster: the same promises hold")
    func killedCluster() async throws {
        // Not the cluster that the other suites share.
        let cluster = try TestPostgres(settings: ["log_statement = none"])
        let tally = try await Scene.play(cluster: cluster) { _, scene in
            var tally = Tally()
            var driver = FaultDriver(scene)
            let points = try await driver.points(isWarm: true, offsets: [.before])
            for number in stride(from: 0, to: points.count, by: 8) {
                let outcome = try await driver.run(
                    .clusterKilled, at: points[number], isWarm: true)
                tally.count(outcome.answer, outcome.rows, isSprung: outcome.isSprung)
            }
            return tally
        }
        tally.report(ConnectionFault.clusterKilled.rawValue)
        #expect(tally.runs >= 10)
        #expect(tally.missed * 5 < tally.runs)
    }

    @Test(
        "at every message of the create: all rows or none, as the caller was told, and a retry ends in one service",
        arguments: ConnectionFault.everywhere)
    func everyMessage(_ fault: ConnectionFault) async throws {
        let tally = try await Scene.play { _, scene in
            var tally = Tally()
            var driver = FaultDriver(scene)
            for isWarm in [true, false] {
                let points = try await driver.points(isWarm: isWarm, offsets: fault.offsets)
                let connects = driver.connects
                for point in points {
                    let outcome = try await driver.run(fault, at: point, isWarm: isWarm)
                    tally.count(outcome.answer, outcome.rows, isSprung: outcome.isSprung)
                }
                // What was given up was cleaned, not thrown away.
                if isWarm, fault.keepsConnections { #expect(driver.connects - connects < 10) }
            }
            return tally
        }
        tally.report(fault.rawValue)
        #expect(tally.runs > 100)
        // A connection that the pool makes by itself may have taken a trap, each time.
        #expect(tally.missed * 20 < tally.runs)
        if fault == .cut {
            // Both happen, so the caller cannot be told.
            #expect(tally.unknownWithAll > 0)
            #expect(tally.unknownWithNone > 0)
        }
    }
}

extension ConnectionFault {
    /// Whether berthd can go on with the connection afterwards.
    var keepsConnections: Bool {
        switch self {
        case .cut, .backendEnded, .backendEnding, .clusterKilled: false
        case .stalled, .cancelled, .pastDeadline: true
        }
    }

    /// Halves of messages matter where bytes are lost.
    var offsets: [MessagePoint.Offset] {
        switch self {
        case .cut, .backendEnded: [.before, .middle]
        case .backendEnding, .stalled, .cancelled, .pastDeadline, .clusterKilled: [.before]
        }
    }
}
