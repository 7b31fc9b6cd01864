/// The requests of a call as they are sent, kept until the call is certain not to be sent again.
struct ReplayBuffer {
    /// Framed messages, in order.
    private(set) var messages: [[UInt8]] = []
    /// Bytes of ``messages``.
    private(set) var byteCount = 0
    /// Whether something was dropped, so that the call cannot be sent again.
    private(set) var isDropped = false
    /// Whether the caller has written its last request.
    var isFinished = false

    /// Keeps a message, unless the buffer was dropped.
    mutating func append(_ message: [UInt8]) {
        guard !isDropped else { return }
        messages.append(message)
        byteCount += message.count
    }

    /// Drops everything, now and from now on.
    mutating func drop() {
        isDropped = true
        messages = []
        byteCount = 0
    }
}
