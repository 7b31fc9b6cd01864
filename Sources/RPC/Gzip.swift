import CZlib

/// Compresses and decompresses whole messages with gzip; one of each loop is reused for all.
///
/// The zlib states are made when first needed: about 300 KB to compress, 40 KB to decompress.
@safe final class Gzip {
    private var deflater: Deflater?
    private var inflater: Inflater?

    /// The compressed form of `input`, after `prefixByteCount` zero bytes for the caller to fill.
    /// - Throws: ``GzipError``.
    func compress(
        _ input: Span<UInt8>, after prefixByteCount: Int = 0
    ) throws(GzipError) -> [UInt8] {
        let deflater = if let made = self.deflater { made } else { try Deflater() }
        self.deflater = deflater
        return try deflater.run(input, after: prefixByteCount)
    }

    /// The bytes whose compressed form is `input`: one gzip member and nothing after it.
    /// - Throws: ``GzipError``; ``GzipError/tooLarge`` once there are more than `bytesMax`.
    func decompress(_ input: Span<UInt8>, bytesMax: Int) throws(GzipError) -> [UInt8] {
        let inflater = if let made = self.inflater { made } else { try Inflater() }
        self.inflater = inflater
        return try inflater.run(input, bytesMax: bytesMax)
    }
}

/// Why a message could not be compressed or decompressed.
enum GzipError: Error, Equatable {
    /// zlib's code, such as Z_DATA_ERROR for what is not gzip.
    case failed(Int32)
    /// The input ends before the gzip member does, or goes on after it.
    case wrongLength
    /// The output would exceed the limit.
    case tooLarge
}

// Safe in what follows: each z_stream is allocated here, at an address that does not change, freed
// in deinit, and sees the caller's bytes only within one call.

@safe private final class Deflater {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init() throws(GzipError) {
        unsafe stream.initialize(to: z_stream())
        let code = unsafe berth_deflate_init_gzip(stream, Z_DEFAULT_COMPRESSION)
        guard code == Z_OK else { throw .failed(code) }
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Possible return codes: Z_STREAM_END when all is written; Z_STREAM_ERROR for a bad state.
    func run(
        _ input: Span<UInt8>, after prefixByteCount: Int
    ) throws(GzipError) -> [UInt8] {
        unsafe deflateReset(stream)
        let room = unsafe Int(deflateBound(stream, UInt(input.count)))
        var code = Z_OK
        let output = unsafe input.withUnsafeBufferPointer { source in
            unsafe [UInt8](unsafeUninitializedCapacity: prefixByteCount + room) { target, count in
                guard let start = target.baseAddress else { return }
                unsafe start.update(repeating: 0, count: prefixByteCount)
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.pointee.avail_in = UInt32(source.count)
                unsafe stream.pointee.next_out = start + prefixByteCount
                unsafe stream.pointee.avail_out = UInt32(room)
                code = unsafe deflate(stream, Z_FINISH)
                count = unsafe prefixByteCount + room - Int(stream.pointee.avail_out)
            }
        }
        guard code == Z_STREAM_END else { throw .failed(code) }
        return output
    }
}

@safe private final class Inflater {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init() throws(GzipError) {
        unsafe stream.initialize(to: z_stream())
        let code = unsafe berth_inflate_init_gzip(stream)
        guard code == Z_OK else { throw .failed(code) }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Possible return codes: Z_OK and Z_BUF_ERROR when it wants more room or more input,
    /// Z_STREAM_END at the member's end, Z_DATA_ERROR for what is not gzip.
    func run(_ input: Span<UInt8>, bytesMax: Int) throws(GzipError) -> [UInt8] {
        unsafe inflateReset(stream)
        var output = [UInt8](repeating: 0, count: min(bytesMax, max(1024, input.count * 4)) + 1)
        var written = 0
        while true {
            let (code, consumed, produced) = step(input, &output, from: written)
            written += produced
            switch code {
            case Z_STREAM_END:
                guard consumed == input.count else { throw .wrongLength }
                guard written <= bytesMax else { throw .tooLarge }
                output.removeLast(output.count - written)
                return output
            case Z_OK, Z_BUF_ERROR:
                guard written <= bytesMax else { throw .tooLarge }
                // Room is left, so it is the input that ended.
                guard written == output.count else { throw .wrongLength }
                let more = min(bytesMax + 1 - written, output.count)
                output.append(contentsOf: repeatElement(0, count: more))
            default: throw .failed(code)
            }
        }
    }

    /// One call of inflate, from where the last one stopped.
    /// - Returns: The code, the input consumed so far, and what this call wrote.
    private func step(
        _ input: Span<UInt8>,
        _ output: inout [UInt8],
        from written: Int
    ) -> (code: Int32, consumed: Int, produced: Int) {
        let offset = unsafe Int(stream.pointee.total_in)
        let room = output.count - written
        return unsafe input.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                    .map { unsafe $0 + offset }
                unsafe stream.pointee.avail_in = UInt32(source.count - offset)
                unsafe stream.pointee.next_out = target.baseAddress.map { unsafe $0 + written }
                unsafe stream.pointee.avail_out = UInt32(room)
                let code = unsafe inflate(stream, Z_NO_FLUSH)
                let produced = unsafe room - Int(stream.pointee.avail_out)
                return unsafe (code, Int(stream.pointee.total_in), produced)
            }
        }
    }
}
