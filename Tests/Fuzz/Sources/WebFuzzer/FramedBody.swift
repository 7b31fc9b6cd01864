import HTTP2

@testable import RPC

/// The frames of a body, which gRPC and binary gRPC-Web share.
enum FramedBody {
    /// The first byte says how long pieces are, the second how large a message may be.
    @Sendable static func check(_ input: [UInt8]) {
        guard input.count >= 2 else { return }
        let body = Array(input[2...])
        let bytesMax = Int(input[1])
        let whole = messages(body, piece: max(1, body.count), bytesMax: bytesMax)
        let cut = messages(body, piece: Int(input[0] & 15) + 1, bytesMax: bytesMax)
        precondition(whole == cut, "where a body is cut changes what it says")
        precondition(whole.joined().count + 5 * whole.count <= body.count, "bytes out of nowhere")
    }

    /// The messages up to the end or the first fault; a fault ends the list with one of its own.
    private static func messages(_ body: [UInt8], piece: Int, bytesMax: Int) -> [[UInt8]] {
        var queue = ByteQueue()
        var found: [[UInt8]] = []
        for start in stride(from: 0, to: body.count, by: piece) {
            queue.append(body.span.extracting(start..<min(start + piece, body.count)))
            while let front = try? MessageFraming.front(of: queue, bytesMax: bytesMax),
                case .message(_, let count) = front
            {
                precondition(count <= bytesMax)
                found.append(Array(queue.prefix(MessageFraming.prefixBytes + count).dropFirst(5)))
                queue.removeFirst(MessageFraming.prefixBytes + count)
            }
        }
        return found
    }
}
