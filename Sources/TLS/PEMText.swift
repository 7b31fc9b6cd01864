import COpenSSL
import Cryptography

/// A PEM text that OpenSSL reads one object after the other from.
@safe struct PEMText: ~Copyable {
    // Safe: made by init, freed by deinit, lent to OpenSSL only during a call; owns a copy of the
    // text.
    private let memory: OpaquePointer

    init(_ bytes: [UInt8]) throws(TLSError) {
        guard let memory = unsafe BIO_new(BIO_s_mem()) else { throw .drained("BIO_new") }
        let written = unsafe BIO_write(memory, bytes, Int32(clamping: bytes.count))
        guard written == bytes.count else {
            unsafe BIO_free(memory)
            throw .noCertificate
        }
        unsafe self.memory = memory
    }

    deinit { unsafe BIO_free(memory) }

    /// Gives `body` each certificate in turn; it must retain what it keeps.
    /// - Returns: How many there were.
    func forEachCertificate(
        _ body: (OpaquePointer, _ index: Int) throws(TLSError) -> Void
    ) throws(TLSError) -> Int {
        var count = 0
        while true {
            ERR_clear_error()
            guard let certificate = unsafe PEM_read_bio_X509(memory, nil, nil, nil) else {
                // The text's end looks like this; anything else is a broken certificate.
                let isEnd = berth_error_is_end_of_file(ERR_peek_last_error()) == 1
                guard isEnd else { throw .drained("PEM_read_bio_X509") }
                ERR_clear_error()
                return count
            }
            defer { unsafe X509_free(certificate) }
            try unsafe body(certificate, count)
            count += 1
        }
    }

    /// Gives `body` the private key, for the length of the call.
    func withPrivateKey(_ body: (OpaquePointer) throws(TLSError) -> Void) throws(TLSError) {
        ERR_clear_error()
        // Without a callback of our own, OpenSSL would ask for a passphrase on the terminal.
        let key = unsafe PEM_read_bio_PrivateKey(memory, nil, { _, _, _, _ in -1 }, nil)
        guard let key = unsafe key else {
            ERR_clear_error()
            throw .noPrivateKey
        }
        defer { unsafe EVP_PKEY_free(key) }
        try unsafe body(key)
    }
}
