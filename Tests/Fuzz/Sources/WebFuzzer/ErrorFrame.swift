import HTTP2

@testable import RPC

/// The last frame of an answer to a page, whose status has any text.
enum ErrorFrame {
    /// The first byte is the code, the rest the message and a value of metadata.
    @Sendable static func check(_ input: [UInt8]) {
        guard let code = StatusCode(rawValue: input[0] % 17), code != .ok else { return }
        let message = String(decoding: input.dropFirst(), as: UTF8.self)
        var metadata = Metadata()
        metadata.append("x-any", message)
        metadata.append("x-any-bin", binary: Array(input))
        let limits = ServerLimits()
        let status = RPCStatus(code, message).naming("id", limits: limits)
        let frame = WebTrailers.frame(
            ResponseHeaders.trailing(status, metadata, limits: limits))
        precondition(frame[0] == WebTrailers.flag)
        let count = frame[1..<5].reduce(0) { $0 << 8 | Int($1) }
        precondition(frame.count == 5 + count, "the length is another")
        precondition(frame.suffix(2).elementsEqual("\r\n".utf8))
        // By scalars: a carriage return and a line feed are one character.
        let text = String(decoding: frame.dropFirst(5), as: UTF8.self).unicodeScalars
        let lines = text.split(separator: "\n").map { String($0.dropLast()) }
        precondition(lines.first == "grpc-status: \(code.rawValue)")
        for line in lines {
            precondition(line.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) })
            precondition(line.contains(": "), "a line is no field")
        }
        precondition(lines.count <= 5)
    }
}
