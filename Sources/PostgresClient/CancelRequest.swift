import CLibPQ

/// Owns one PGcancel: enough to cancel what a connection runs, from any thread.
@safe final class CancelRequest: Sendable {
    // Why nonisolated(unsafe) is right: the PGcancel is never written after PQgetCancel, and
    // PQcancel may run on any thread (libpq manual, "Canceling Queries in Progress").
    private nonisolated(unsafe) let cancel: OpaquePointer

    init(adopting cancel: OpaquePointer) { unsafe self.cancel = cancel }

    deinit { unsafe PQfreeCancel(cancel) }

    /// Connects to the server and asks it to cancel (`PQcancel`). Blocks: run it on a worker.
    /// - Returns: Whether the request was dispatched.
    func send() -> Bool {
        var text = [CChar](repeating: 0, count: 256)
        return unsafe PQcancel(cancel, &text, Int32(text.count)) == 1
    }
}
