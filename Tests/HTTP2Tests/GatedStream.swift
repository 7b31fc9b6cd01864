import EventLoops

@testable import HTTP2

/// Lets writes pass or not, as the kernel does for a peer that reads or does not.
final class Gate {
    /// How many more writes pass; nil: all.
    private(set) var writesLeft: Int?

    func close(after writes: Int = 0) { writesLeft = writes }
    func open() { writesLeft = nil }

    fileprivate func pass() -> Bool {
        guard let left = writesLeft else { return true }
        guard left > 0 else { return false }
        writesLeft = left - 1
        return true
    }
}

/// A socket behind a ``Gate``. After the gate opens, whatever makes the connection send (a PING)
/// sends what was held up, too.
final class GatedStream: ByteStream {
    private let socket: SocketStream
    private let gate: Gate

    init(_ socket: SocketStream, _ gate: Gate) {
        self.socket = socket
        self.gate = gate
    }

    var descriptor: Int32 { socket.descriptor }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteStreamOutcome {
        socket.read(into: buffer)
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> ByteStreamOutcome {
        // Ready for nothing: the socket itself would be writable all the time.
        gate.pass() ? socket.write(bytes) : .blocked(until: [])
    }

    func endWriting() { socket.endWriting() }
    func close() { socket.close() }
}
