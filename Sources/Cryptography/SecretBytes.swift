import COpenSSL

/// Bytes that no log, error or debugger print shows, and that are overwritten when the last holder
/// lets go of them.
@safe
public final class SecretBytes: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The longest secret, in bytes (1 MiB).
    public static let countMax = 1 << 20

    // Right although pointers are not Sendable: written by `init` alone, read-only afterwards, and
    // freed by `deinit`, when no other thread can hold it any more.
    private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

    /// Keeps a copy of `bytes`; the caller's own copy stays as it is (see `init(taking:)`).
    ///
    /// - Precondition: at most `countMax` bytes; what comes from outside is limited before.
    public init(copying bytes: some Collection<UInt8>) {
        precondition(bytes.count <= Self.countMax, "a secret longer than SecretBytes.countMax")
        // Never empty, so that the address is never null: OpenSSL takes null for "no key given".
        let allocated = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(bytes.count, 1),
            alignment: 1
        )
        let kept = unsafe UnsafeMutableRawBufferPointer(rebasing: allocated[..<bytes.count])
        unsafe kept.copyBytes(from: bytes)
        unsafe storage = UnsafeMutableRawBufferPointer(
            start: allocated.baseAddress,
            count: bytes.count
        )
    }

    /// Keeps a copy of `bytes` and overwrites and empties the caller's array.
    public convenience init(taking bytes: inout [UInt8]) {
        self.init(copying: bytes)
        cleanse(&bytes)
        bytes.removeAll()
    }

    /// `count` fresh random bytes from OpenSSL's private generator.
    ///
    /// - Throws: what `SecureRandom.privateBytes` throws.
    public convenience init(randomCount count: Int) throws(CryptographyError) {
        var bytes = try SecureRandom.privateBytes(count)
        self.init(taking: &bytes)
    }

    deinit {
        unsafe OPENSSL_cleanse(storage.baseAddress, storage.count)
        unsafe storage.deallocate()
    }

    /// The number of bytes.
    public var count: Int { unsafe storage.count }

    /// A copy of the bytes, for the one place that must show them: a file, a statement, an answer.
    public func revealed() -> [UInt8] { unsafe [UInt8](storage) }

    /// Says that there is a secret and how long it is, never what it is.
    public var description: String { "<secret, \(count) bytes>" }

    /// The same as `description`.
    public var debugDescription: String { description }

    /// Shows no children, so that `dump` and string interpolation of a holder reveal nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Lends the bytes to `body`; the pointer, never null, ends with the call.
    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(storage))
    }
}

/// Overwrites a unique array's bytes in a way that the optimizer may not leave out.
func cleanse(_ bytes: inout [UInt8]) {
    // Safe: writes exactly the array's own bytes.
    unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
}
