import CCurl
import Glibc

/// The header fields of a request.
@safe final class HeaderList {
    // Safe: made in init, freed in deinit, after the easy handle that reads it.
    let list: UnsafeMutablePointer<curl_slist>

    init?(_ body: DockerRequest.Body?) {
        let type = if case .archive = body { "application/x-tar" } else { "application/json" }
        guard let first = unsafe curl_slist_append(nil, "Content-Type: \(type)") else { return nil }
        // Without it libcurl waits for "100 Continue" before it sends a large body.
        guard let both = unsafe curl_slist_append(first, "Expect:") else {
            unsafe curl_slist_free_all(first)
            return nil
        }
        unsafe list = both
    }

    deinit { unsafe curl_slist_free_all(list) }
}

/// A request's body at an address of its own, overwritten at its end: it may hold secrets.
@safe final class RequestBytes {
    // Safe: allocated in init with room for all bytes, freed in deinit.
    private let buffer: UnsafeMutableRawBufferPointer

    let count: Int
    var start: UnsafeRawPointer? { unsafe UnsafeRawPointer(buffer.baseAddress) }

    init(_ bytes: [UInt8]) {
        count = bytes.count
        // One byte at least, so that there is an address: libcurl takes NULL for "read it by the
        // read callback".
        unsafe buffer = .allocate(byteCount: max(1, bytes.count), alignment: 1)
        unsafe buffer.copyBytes(from: bytes)
    }

    deinit {
        if let start = unsafe buffer.baseAddress { unsafe explicit_bzero(start, buffer.count) }
        unsafe buffer.deallocate()
    }
}
