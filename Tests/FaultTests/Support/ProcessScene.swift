import EventLoops
import TestSupport

/// berthd as a process of its own behind the proxy, and a client of it.
final class ProcessScene {
    let stage: Stage
    private(set) var berthd: BerthdProcess
    private(set) var client: CallingClient

    /// Runs `body` in a scene of its own.
    static func play<R: Sendable>(
        cluster: TestPostgres? = nil,
        isProxied: Bool = true,
        _ body: @escaping @Sendable (isolated EventLoop, ProcessScene) async throws -> R
    ) async throws -> R {
        let cluster = try cluster ?? FaultyCluster.shared()
        return try await onLoop { loop, reactor in
            let stage = try await Stage(cluster, reactor)
            let uri = isProxied ? stage.proxiedURI : stage.uri
            let scene = ProcessScene(
                stage, try await BerthdProcess.start(stage, databaseURL: uri))
            do {
                let result = try await body(loop, scene)
                await scene.end()
                return result
            } catch {
                await scene.end()
                throw error
            }
        }
    }

    private init(_ stage: Stage, _ berthd: BerthdProcess) {
        self.stage = stage
        self.berthd = berthd
        client = CallingClient(port: berthd.port, reactor: stage.reactor)
    }

    /// Starts berthd anew after it was killed, and waits until it serves.
    func restart() async throws {
        client.close()
        berthd = try await BerthdProcess.start(stage, databaseURL: stage.proxiedURI)
        client = CallingClient(port: berthd.port, reactor: stage.reactor)
        try await becomesServing()
    }

    /// Waits until berthd says that it serves.
    /// - Returns: How long that took.
    @discardableResult
    func becomesServing(_ expected: Bool = true) async throws -> Duration {
        try await stage.eventually { try await client.isServing() == expected }
    }

    private func end() async {
        client.close()
        berthd.program.kill()
        await stage.end()
    }
}
