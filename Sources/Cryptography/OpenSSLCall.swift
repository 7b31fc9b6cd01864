import COpenSSL

/// Runs one call into OpenSSL with this thread's error queue emptied first, and throws what the
/// call left there when `succeeded` is false.
func callOpenSSL(_ function: String, _ succeeded: () -> Bool) throws(CryptographyError) {
    ERR_clear_error()
    guard !succeeded() else { return }
    throw CryptographyError.library(function: function, reasons: drainErrorQueue())
}

/// The same for a call that makes an object: returns it, or throws when OpenSSL gave none.
func makeWithOpenSSL<Made>(
    _ function: String,
    _ make: () -> Made?
) throws(CryptographyError) -> Made {
    ERR_clear_error()
    if let made = make() { return made }
    throw CryptographyError.library(function: function, reasons: drainErrorQueue())
}

/// How many reasons are kept of one failure; OpenSSL's own queue holds 16.
private let reasonsMax = 16

/// Takes every entry from this thread's OpenSSL error queue, oldest first.
private func drainErrorQueue() -> [String] {
    var reasons: [String] = []
    while reasons.count < reasonsMax {
        let code = ERR_get_error()
        if code == 0 { break }
        var text = [CChar](repeating: 0, count: 256)
        // Safe: writes at most `count` bytes into a live local array, its NUL included.
        unsafe ERR_error_string_n(code, &text, text.count)
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        reasons.append(String(decoding: bytes, as: UTF8.self))
    }
    ERR_clear_error()
    return reasons
}
