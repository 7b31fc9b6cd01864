import COpenSSL

/// Random bytes from OpenSSL's generators, which the kernel seeds.
public enum SecureRandom {
    /// The most bytes one call gives (1 MiB).
    public static let bytesMax = 1 << 20

    /// Random bytes that may become public, such as nonces and ids (`RAND_bytes`).
    ///
    /// - Throws: `tooLong` past `bytesMax`; `library` when the generator is not seeded.
    public static func bytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
        unsafe try fill(count, function: "RAND_bytes") { unsafe RAND_bytes($0, $1) }
    }

    /// Random bytes that must stay secret, such as keys, tokens and passwords, from the generator
    /// whose output is never shown to others (`RAND_priv_bytes`).
    ///
    /// - Throws: `tooLong` past `bytesMax`; `library` when the generator is not seeded.
    public static func privateBytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
        unsafe try fill(count, function: "RAND_priv_bytes") { unsafe RAND_priv_bytes($0, $1) }
    }

    private static func fill(
        _ count: Int,
        function: String,
        from generator: (UnsafeMutablePointer<UInt8>, Int32) -> Int32
    ) throws(CryptographyError) -> [UInt8] {
        guard count <= bytesMax else {
            throw CryptographyError.tooLong(limit: bytesMax, actual: count)
        }
        var bytes = [UInt8](repeating: 0, count: count)
        // Safe: the generator writes exactly `count` bytes into a live local array.
        try callOpenSSL(function) { unsafe generator(&bytes, Int32(count)) == 1 }
        return bytes
    }
}
