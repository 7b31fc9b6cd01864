import HTTP2

@testable import RPC

/// Takes one input: header fields, each as the number of its name (or of the bytes of one of its own), the
/// length of its value, and the value.
/// - Returns: Whether it is one; any is.
func fuzzMetadata(_ input: [UInt8]) -> Bool {
    let block = headerBlock(input[...])
    checkHead(block)
    checkMetadata(block)
    checkText(input[...])
    return true
}

/// The names that a request's header section has; append only: the corpus depends on the order.
private let names = [
    ":method", ":scheme", ":path", ":authority", "host", "content-type", "te", "grpc-timeout",
    "grpc-encoding", "grpc-accept-encoding", "grpc-message", "authorization", "user-agent", "x-a",
    "x-a-bin", "grpc-status-details-bin", "access-control-request-method", "origin", "-bin",
    "grpc-",
].map { Array($0.utf8) }

/// What nghttp2 lets through in a name (of RFC 9110's tokens, the most used).
private let nameBytes = Array("abcdefghijklmnopqrstuvwxyz0123456789-_.".utf8)

private func headerBlock(_ input: ArraySlice<UInt8>) -> HeaderBlock {
    var block = HeaderBlock()
    var rest = input
    while let choice = rest.popFirst(), let length = rest.popFirst() {
        var name: [UInt8] = []
        if Int(choice) < names.count {
            name = names[Int(choice)]
        } else {
            name = rest.prefix(Int(choice) % 32).map { nameBytes[Int($0) % nameBytes.count] }
            rest = rest.dropFirst(name.count)
        }
        let value = Array(rest.prefix(Int(length)))
        rest = rest.dropFirst(value.count)
        block.append(name: name.span, value: value.span)
    }
    return block
}

private func checkHead(_ block: HeaderBlock) {
    let head = RequestHead(block)
    precondition(head.path.upperBound <= block.storage.count)
    if let timeout = head.timeout,
        let duration = Timeout.parse(block.storage.span.extracting(timeout))
    {
        precondition(duration >= .zero && duration <= .seconds(99_999_999 * 3600))
    }
    // What the head says of `-bin` fields is what a handler would find.
    let metadata = Metadata(block)
    let isMalformed = metadata.names.contains { name in
        name.hasSuffix("-bin") && (try? metadata.binaryValues(name)) == nil
    }
    precondition((head.malformedBinary != nil) == isMalformed)
}

private func checkMetadata(_ block: HeaderBlock) {
    let metadata = Metadata(block)
    precondition(metadata.isEmpty == metadata.names.isEmpty)
    var copy = HeaderBlock()
    for name in metadata.names {
        _ = metadata.values(name)
        _ = metadata[name]
        if let values = try? metadata.binaryValues(name) {
            for value in values {
                precondition(MetadataBase64.decode(MetadataBase64.encode(value)[...]) == value)
            }
        }
    }
    metadata.append(to: &copy)
    precondition(Metadata(copy).names == metadata.names, "custom fields were lost")
}

private func checkText(_ bytes: ArraySlice<UInt8>) {
    let text = String(decoding: bytes, as: UTF8.self)
    let encoded = PercentEncoding.encode(text, bytesMax: .max)
    precondition(encoded.allSatisfy { $0 >= 0x20 && $0 <= 0x7E })
    precondition(PercentEncoding.decode(encoded[...]) == text, "a message changed on its way")
    let short = PercentEncoding.encode(text, bytesMax: 40)
    // A space at an end takes three bytes instead of one.
    precondition(short.count <= 44)
    _ = PercentEncoding.decode(bytes)
    if let decoded = MetadataBase64.decode(bytes) {
        var unpadded = bytes
        while unpadded.last == UInt8(ascii: "=") { unpadded.removeLast() }
        precondition(
            MetadataBase64.encode(decoded)[...] == unpadded, "two texts for the same bytes")
    }
}
