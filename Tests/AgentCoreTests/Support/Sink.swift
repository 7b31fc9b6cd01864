import BerthMessages
import Domain
import Messages

@testable import AgentCore

/// Takes chunks of logs.
final class Sink: LogChunkSink {
    private(set) var chunks: [AgentV1.LogChunk] = []

    func send(_ chunk: AgentV1.LogChunk) async -> Bool {
        chunks.append(chunk)
        return true
    }

    var hasEnded: Bool { chunks.last?.end == true }
    var text: String { chunks.flatMap(\.lines).map(\.text).joined(separator: "\n") }
}

extension LogOrder {
    /// A request for the last lines, as its message says it.
    init(id: String, _ service: ServiceID, tail: Int32, follows: Bool = false) {
        let message = AgentV1.LogsJob.with {
            $0.requestID = id
            $0.tailLines = tail
            $0.follow = follows
        }
        guard let order = LogOrder(message, serviceID: "\(service)") else {
            preconditionFailure("the request is whole")
        }
        self = order
    }
}
