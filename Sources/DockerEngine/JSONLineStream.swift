import EventLoops

/// A stream of JSON texts, one a line, as the engine sends events and the progress of a pull.
///
/// The transfer ends with this object.
final class JSONLineStream {
    private let transfer: Transfer
    private var splitter: LineSplitter

    init(_ transfer: Transfer, lineBytesMax: Int) {
        self.transfer = transfer
        splitter = LineSplitter(lineBytesMax: lineBytesMax)
    }

    deinit { transfer.abandon() }

    func close() { transfer.abandon() }

    /// The next text; nil at the end of the stream.
    /// - Throws: `.timedOut` and `.cancelled`, after which it goes on; what ends it.
    func next(until deadline: Instant?) async throws(DockerError) -> JSON? {
        while true {
            if let line = splitter.next() { return try json(line) }
            guard let bytes = try await transfer.nextBytes(until: deadline) else {
                guard let rest = splitter.rest() else { return nil }
                return try json(rest)
            }
            guard splitter.append(bytes) else {
                transfer.abandon()
                throw DockerError(
                    .tooLarge, operation: transfer.operation,
                    message: "a line of more than \(splitter.lineBytesMax) bytes")
            }
        }
    }

    private func json(_ line: [UInt8]) throws(DockerError) -> JSON {
        do throws(JSONError) {
            return try JSON(parsing: line)
        } catch {
            transfer.abandon()
            throw DockerError(.malformed, operation: transfer.operation, message: "\(error)")
        }
    }
}

/// Cuts bytes into lines, however they arrive; empty lines are left out.
struct LineSplitter {
    let lineBytesMax: Int
    private var bytes: [UInt8] = []
    private var start = 0
    /// Up to here there is no end of a line behind `start`.
    private var searched = 0

    init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    /// Takes bytes; false when the line that they belong to is longer than allowed.
    ///
    /// Call after ``next()`` gave nil, so that what waits is one line that is not complete.
    mutating func append(_ more: [UInt8]) -> Bool {
        bytes.removeFirst(start)
        (start, searched) = (0, searched - start)
        guard bytes.count + (more.firstIndex(of: 0x0A) ?? more.count) <= lineBytesMax else {
            return false
        }
        bytes += more
        return true
    }

    /// The next whole line without its end.
    mutating func next() -> [UInt8]? {
        while let end = bytes[searched...].firstIndex(of: 0x0A) {
            let line = LineSplitter.trimmed(bytes[start..<end])
            (start, searched) = (end + 1, end + 1)
            if !line.isEmpty { return Array(line) }
        }
        searched = bytes.count
        return nil
    }

    /// What stands behind the last end of a line, once no more comes.
    mutating func rest() -> [UInt8]? {
        let line = LineSplitter.trimmed(bytes[start...])
        (start, searched) = (bytes.count, bytes.count)
        return line.isEmpty ? nil : Array(line)
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line.last == 0x0D ? line.dropLast() : line
    }
}
