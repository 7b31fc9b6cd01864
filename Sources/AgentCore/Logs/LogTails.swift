import BerthMessages
import DockerEngine
import Domain
import EventLoops
import Messages
import StandardMessages

/// Where chunks of logs go.
protocol LogChunkSink: AnyObject {
    /// Sends a chunk once there is room for it.
    /// - Returns: False when the stream is over.
    func send(_ chunk: AgentV1.LogChunk) async -> Bool
}

/// Sends the logs that a stream asked for, several at once, each in chunks.
final class LogTails {
    /// Requests that are answered at once; one more is told so.
    static let tailsAtOnceMax = 16
    /// Lines and bytes of one chunk.
    static let chunkLinesMax = 64
    static let chunkBytesMax = 16 * 1024
    /// What the control plane takes for "there is no container".
    static let noContainer = "NO_CONTAINER"
    /// How long lines wait for company.
    static let gatherMax = Duration.milliseconds(50)

    private let engine: any ContainerEngine
    private weak var sink: (any LogChunkSink)?
    private var tails: [String: LoopTask<Void>] = [:]

    init(engine: any ContainerEngine, sink: any LogChunkSink) {
        self.engine = engine
        self.sink = sink
    }

    /// Begins or ends a tail.
    func take(_ order: LogOrder, on loop: isolated EventLoop) {
        switch order.kind {
        case .stop: tails.removeValue(forKey: order.requestID)?.cancel()
        case .start(let lines, let follows):
            guard let service = order.serviceID, tails[order.requestID] == nil else { return }
            guard tails.count < LogTails.tailsAtOnceMax else {
                refuse(order.requestID, on: loop)
                return
            }
            tails[order.requestID] = LoopTask(on: loop) {
                await Task.yield()
                await self.tail(order.requestID, service, lines, follows)
                self.tails[order.requestID] = nil
            }
        }
    }

    /// Ends all of them.
    func close() {
        for tail in tails.values { tail.cancel() }
        tails = [:]
    }

    private func refuse(_ requestID: String, on loop: isolated EventLoop) {
        _ = LoopTask(on: loop) {
            _ = await self.send(
                LogTails.last(requestID, "the agent answers too many log requests already"))
        }
    }

    private func tail(
        _ requestID: String, _ service: ServiceID, _ lines: Int, _ follows: Bool
    ) async {
        do {
            try await stream(requestID, service, lines, follows)
            _ = await send(LogTails.last(requestID, ""))
        } catch {
            guard !Task.isCancelled else { return }
            let failure = JobFailed(any: error)
            let isMissing = failure.reason == .containerMissing
            _ = await send(
                LogTails.last(requestID, isMissing ? LogTails.noContainer : failure.message))
        }
    }

    private func stream(
        _ requestID: String, _ service: ServiceID, _ lines: Int, _ follows: Bool
    ) async throws {
        let all = try await engine.containers(labels: Label.containers(of: "\(service)"))
        let newest = all.max {
            ($0.isActive ? 1 : 0, $0.fencingToken) < ($1.isActive ? 1 : 0, $1.fencingToken)
        }
        guard let newest, let details = try await engine.container(newest.id) else {
            throw JobFailed(.containerMissing, "The service has no container on this server.")
        }
        let stream = try await engine.logs(of: newest.id, tail: lines, follows: follows)
        defer { stream.close() }
        var text = LogText(redactor: SecretRedactor(of: details))
        var chunk = Chunk()
        while true {
            do {
                // Lines that are there already must not wait for those to come.
                let limit = chunk.lines.isEmpty ? nil : LogTails.gatherMax
                guard let piece = try await stream.next(within: limit) else { break }
                guard let line = text.take(piece) else { continue }
                if chunk.isFull(before: line) {
                    guard await send(chunk.message(requestID)) else { return }
                    chunk = Chunk()
                }
                chunk.lines.append(line)
            } catch let error as DockerError where error.kind == .timedOut {
                guard await send(chunk.message(requestID)) else { return }
                chunk = Chunk()
            }
        }
        for line in text.rest() {
            if chunk.isFull(before: line) {
                guard await send(chunk.message(requestID)) else { return }
                chunk = Chunk()
            }
            chunk.lines.append(line)
        }
        if !chunk.lines.isEmpty { _ = await send(chunk.message(requestID)) }
    }

    private func send(_ chunk: AgentV1.LogChunk) async -> Bool {
        await sink?.send(chunk) ?? false
    }

    private static func last(_ requestID: String, _ error: String) -> AgentV1.LogChunk {
        .with {
            $0.requestID = requestID
            $0.end = true
            $0.error = error
        }
    }

    /// Lines that travel together.
    private struct Chunk {
        var lines: [LogLine] = []

        func isFull(before line: LogLine) -> Bool {
            guard !lines.isEmpty else { return false }
            let bytes = lines.reduce(line.text.utf8.count) { $0 + $1.text.utf8.count }
            return lines.count >= LogTails.chunkLinesMax || bytes > LogTails.chunkBytesMax
        }

        func message(_ requestID: String) -> AgentV1.LogChunk {
            .with {
                $0.requestID = requestID
                $0.lines = lines.map { line in
                    .with {
                        $0.time = GoogleProtobuf.Timestamp(line.time)
                        $0.text = line.text
                        $0.standardError = line.isStandardError
                    }
                }
            }
        }
    }
}
