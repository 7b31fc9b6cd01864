public import EventLoops

/// The bytes under a connection: a socket, or TLS over one. Never blocks.
public protocol ByteStream: AnyObject {
    /// What the loop watches.
    var descriptor: Int32 { get }

    /// Reads into `buffer`, which is not empty.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteStreamOutcome

    /// Writes from the front of `bytes`, which is not empty.
    func write(_ bytes: UnsafeRawBufferPointer) -> ByteStreamOutcome

    /// Says that nothing more will be written, where the stream can say so.
    func endWriting()

    /// Closes the descriptor. Called once, and nothing after it.
    func close()
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
