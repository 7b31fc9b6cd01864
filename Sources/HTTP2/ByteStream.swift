public import EventLoops

/// The bytes under a connection: a socket, or TLS over one. Never blocks.
public protocol ByteStream: AnyObject {
    /// What the loop watches.
    var descriptor: Int32 { get }

    /// Reads into `buffer`, which is not empty.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteStreamOutcome

    /// Whether another read may give something, or the end, although the descriptor does not become
    /// ready again; only while the last read moved something.
    var hasPending: Bool { get }

    /// Writes from the front of `bytes`, which is not empty. After less than all was moved, the next
    /// write begins with the rest.
    func write(_ bytes: UnsafeRawBufferPointer) -> ByteStreamOutcome

    /// Says that nothing more will be written, where the stream can say so.
    func endWriting()

    /// Closes the descriptor. Called once, and nothing after it.
    func close()
}

extension ByteStream {
    /// Nothing is held back.
    public var hasPending: Bool { false }
}

/// How a read or a write on a ``ByteStream`` went.
public enum ByteStreamOutcome {
    /// So many bytes were moved, at least one.
    case moved(Int)
    /// Nothing can be moved until the descriptor is ready in this way; for a TLS stream that may
    /// be the other way than the one asked for.
    case blocked(until: Readiness)
    /// The peer ended its side (reads only).
    case ended
    /// The stream is broken.
    case failed(any Error)
}
