/// One message of PostgreSQL's protocol, version 3 (PostgreSQL manual, "Message Formats").
struct ProtocolMessage {
    /// The first byte of its form, such as `Q`; for the untyped messages that open a connection one
    /// of ``startup``, ``cancelRequest`` and ``encryptionRequest``.
    let type: Character
    /// The whole message as it was sent.
    let bytes: [UInt8]

    static let startup: Character = "⊢"
    static let cancelRequest: Character = "✗"
    static let encryptionRequest: Character = "?"

    /// The backend's process, if this is its BackendKeyData.
    var backendProcess: Int32? {
        guard type == "K", bytes.count >= 9 else { return nil }
        return Int32(bitPattern: MessageSplitter.integer(bytes, at: 5))
    }
}

/// Cuts the bytes of one direction into messages.
struct MessageSplitter {
    private var bytes: [UInt8] = []
    /// Whether the next message has no type: only a frontend's first ones.
    private var isUntyped: Bool

    init(isFrontend: Bool) { isUntyped = isFrontend }

    mutating func append(_ more: some Collection<UInt8>) { bytes.append(contentsOf: more) }

    /// Takes the first message off the front, once it is there as a whole.
    mutating func next() -> ProtocolMessage? {
        let start = isUntyped ? 0 : 1
        guard bytes.count >= start + 4 else { return nil }
        let count = start + Int(MessageSplitter.integer(bytes, at: start))
        guard count >= start + 4, bytes.count >= count else { return nil }
        let message = ProtocolMessage(type: type(), bytes: Array(bytes[..<count]))
        bytes.removeFirst(count)
        if message.type == ProtocolMessage.startup { isUntyped = false }
        return message
    }

    /// Takes what is no whole message.
    mutating func rest() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    private func type() -> Character {
        guard isUntyped else { return Character(Unicode.Scalar(bytes[0])) }
        guard bytes.count >= 8 else { return ProtocolMessage.startup }
        switch MessageSplitter.integer(bytes, at: 4) {
        case 80_877_102: return ProtocolMessage.cancelRequest
        case 80_877_103, 80_877_104: return ProtocolMessage.encryptionRequest
        default: return ProtocolMessage.startup
        }
    }

    static func integer(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
