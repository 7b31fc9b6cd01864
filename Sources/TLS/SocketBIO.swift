import COpenSSL
import EventLoops
import HTTP2

/// What OpenSSL reads ciphertext from and writes it to.
///
/// Reads come from a chunk that was taken from the socket in one call, so that a small request costs
/// one `recv`, as without TLS, where OpenSSL's own socket BIO would ask twice a record and once more
/// to learn that nothing is left. Writes go straight to the socket: what it does not take stays with
/// OpenSSL, which is the one copy of it that there must be.
@safe final class SocketBIO {
    let socket: SocketStream
    /// What the socket failed with, if it did.
    private(set) var failure: TLSError?
    /// Whether anything was written to the socket.
    private(set) var hasSent = false
    /// Whether the peer's end of stream was read.
    private(set) var isEnded = false

    // Safe: set for the length of `withCiphertext`, whose buffer outlives it.
    private var chunk = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// What OpenSSL did not take of a chunk, because it had to write first.
    private var kept: [UInt8] = []

    private static let retryFlags = BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY

    init(socket: SocketStream) { self.socket = socket }

    /// Whether ciphertext waits that no readiness of the socket will tell of.
    var hasKept: Bool { !kept.isEmpty }

    /// Reads at most `bytesMax` bytes of ciphertext and runs `body`, in which OpenSSL takes them.
    func withCiphertext<Result>(
        in buffer: UnsafeMutableRawBufferPointer, bytesMax: Int, _ body: () -> Result
    ) -> Result {
        if kept.isEmpty, !isEnded, failure == nil {
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<bytesMax])
            switch unsafe socket.read(into: part) {
            case .moved(let count):
                unsafe chunk = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            case .blocked: break
            case .ended: isEnded = true
            case .failed(let error): failure = SocketBIO.typed(error)
            }
        } else if !kept.isEmpty {
            let count = min(kept.count, bytesMax)
            unsafe buffer.copyBytes(from: kept[..<count])
            kept.removeFirst(count)
            unsafe chunk = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        }
        defer {
            if unsafe !chunk.isEmpty { unsafe kept.insert(contentsOf: chunk, at: 0) }
            unsafe chunk = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return body()
    }

    /// Forgets what is kept: nobody will decrypt it.
    func discardKept() { kept = [] }

    /// Attaches a BIO that leads here to `ssl`, which must not outlive this object.
    func attach(to ssl: OpaquePointer) throws(TLSError) {
        guard let method = unsafe SocketBIO.method, let bio = unsafe BIO_new(method) else {
            throw .drained("BIO_new")
        }
        // Safe: unretained, for the stream that owns `ssl` owns this object too and frees `ssl`
        // first. `ssl` takes the one reference to the BIO for both directions.
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        unsafe SSL_set_bio(ssl, bio, bio)
    }

    private static func typed(_ error: any Error) -> TLSError {
        (error as? SystemError).map(TLSError.system) ?? .truncated
    }

    // MARK: OpenSSL's side

    // Safe: made once, before its first use, and never changed after.
    private nonisolated(unsafe) static let method: OpaquePointer? = {
        let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        guard let method = unsafe BIO_meth_new(type, "loop socket") else { return nil }
        unsafe BIO_meth_set_read_ex(method, { unsafe SocketBIO.read($0, $1, $2, $3) })
        unsafe BIO_meth_set_write_ex(method, { unsafe SocketBIO.write($0, $1, $2, $3) })
        unsafe BIO_meth_set_ctrl(
            method,
            { bio, command, _, _ in
                switch command {
                case BIO_CTRL_FLUSH: 1
                case BIO_CTRL_EOF: unsafe SocketBIO.of(bio)?.isEnded == true ? 1 : 0
                default: 0
                }
            })
        return unsafe method
    }()

    private static func of(_ bio: OpaquePointer?) -> SocketBIO? {
        guard let data = unsafe BIO_get_data(bio) else { return nil }
        return unsafe Unmanaged<SocketBIO>.fromOpaque(data).takeUnretainedValue()
    }

    private static func read(
        _ bio: OpaquePointer?, _ bytes: UnsafeMutablePointer<CChar>?, _ countMax: Int,
        _ count: UnsafeMutablePointer<Int>?
    ) -> Int32 {
        unsafe BIO_clear_flags(bio, SocketBIO.retryFlags)
        guard let self = unsafe of(bio), let bytes = unsafe bytes else { return 0 }
        guard unsafe !self.chunk.isEmpty else {
            if !self.isEnded, self.failure == nil {
                unsafe BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
            }
            return 0
        }
        // Safe: OpenSSL lends `countMax` bytes.
        let taken = unsafe min(countMax, self.chunk.count)
        let target = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: taken)
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: self.chunk[..<taken]))
        unsafe self.chunk = UnsafeRawBufferPointer(rebasing: self.chunk[taken...])
        unsafe count?.pointee = taken
        return 1
    }

    private static func write(
        _ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ byteCount: Int,
        _ count: UnsafeMutablePointer<Int>?
    ) -> Int32 {
        unsafe BIO_clear_flags(bio, SocketBIO.retryFlags)
        guard let self = unsafe of(bio), let bytes = unsafe bytes else { return 0 }
        // Safe: OpenSSL lends `byteCount` bytes.
        switch unsafe self.socket.write(UnsafeRawBufferPointer(start: bytes, count: byteCount)) {
        case .moved(let moved):
            unsafe count?.pointee = moved
            self.hasSent = true
            return 1
        case .blocked: unsafe BIO_set_flags(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
        case .failed(let error): self.failure = typed(error)
        case .ended: break
        }
        return 0
    }
}
