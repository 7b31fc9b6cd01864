import HTTP2

@testable import RPC

/// The body of `application/grpc-web-text`, in pieces as the network cuts them.
enum TextBody {
    /// The first byte says how long pieces are, the second how much waits at most.
    @Sendable static func check(_ input: [UInt8]) {
        guard input.count >= 2 else { return }
        let text = Array(input[2...])
        let whole = decoded(text, piece: max(1, text.count), bytesMax: .max)
        let cut = decoded(text, piece: Int(input[0] & 15) + 1, bytesMax: Int(input[1] & 31) + 1)
        precondition(whole == cut, "where a body is cut changes what it says")
        guard let whole else { return }
        precondition(whole.count <= text.count / 4 * 3, "bytes out of nowhere")
        let written = WebText.encode(whole)
        precondition(
            decoded(written, piece: max(1, written.count), bytesMax: .max) == whole,
            "what is written cannot be read")
    }

    /// What the text stands for; nil when it is malformed. What waits is taken whenever the decoder
    /// stops for it, as a call does.
    private static func decoded(_ text: [UInt8], piece: Int, bytesMax: Int) -> [UInt8]? {
        var decoder = WebText.Decoder()
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: text.count, by: piece) {
            var place = start
            let end = min(start + piece, text.count)
            while place < end {
                guard
                    let count = try? decoder.append(
                        text.span.extracting(place..<end), bytesMax: bytesMax)
                else { return nil }
                precondition(count <= end - place, "more was read than there is")
                // One group more than the limit, since it is looked at between two groups.
                precondition(bytesMax == .max || decoder.bytes.count < bytesMax + 3)
                precondition(count > 0 || decoder.bytes.count > 0, "the decoder stands still")
                place += count
                bytes += decoder.bytes.prefix(.max)
                decoder.bytes.removeAll()
            }
        }
        return bytes
    }
}
