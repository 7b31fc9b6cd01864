import DockerEngine
import EventLoops
import Logging

/// Whether the container engine stays.
protocol EnginePresence: AnyObject {
    /// How often a call found nobody, or lost who was there.
    var outageCount: Int { get }
    /// Whether it takes a new connection.
    func answers() async -> Bool
}

extension DockerClient: EnginePresence {
    func answers() async -> Bool {
        do {
            try await ping()
            return true
        } catch {
            return false
        }
    }
}

/// Does a job's work again from its beginning when the engine went away meanwhile: every step looks
/// before it acts.
struct OutageRetries {
    /// How often work begins.
    static let attemptsMax = 4
    /// How long it waits for the engine each time.
    static let engineAwayMax = Duration.seconds(45)

    let engine: any EnginePresence
    let reactor: Reactor
    let logger: Logger
    /// How often it asks while the engine is away.
    var pause = Duration.milliseconds(500)

    /// - Throws: What the last attempt threw, or one that the engine had no part in.
    func attempt<Value>(_ work: () async throws -> Value) async throws -> Value {
        for _ in 1..<OutageRetries.attemptsMax {
            let outages = engine.outageCount
            do {
                return try await work()
            } catch {
                guard await isByOutage(error, since: outages) else { throw error }
                logger.warning("Docker went away during a job", metadata: ["cause": "\(error)"])
            }
            try await waitForEngine()
        }
        return try await work()
    }

    /// Whether the engine's end may be what work failed by, which may look like anything: an engine
    /// that is told to end stops its containers first.
    private func isByOutage(_ error: any Error, since outages: Int) async -> Bool {
        switch error {
        case let docker as DockerError:
            switch docker.kind {
            case .unreachable, .interrupted: return true
            case .cancelled: return false
            default: break
            }
        case is JobFailed: break
        default: return false
        }
        // It may be back already, or about to go: then it takes no new connections.
        guard engine.outageCount == outages else { return true }
        return await !engine.answers()
    }

    private func waitForEngine() async throws {
        let end = Instant.now().advanced(by: OutageRetries.engineAwayMax)
        repeat {
            try await reactor.sleep(for: pause)
        } while await !engine.answers() && Instant.now() < end
    }
}
