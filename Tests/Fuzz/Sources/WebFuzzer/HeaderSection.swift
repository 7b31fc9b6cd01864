import HTTP2

@testable import RPC

/// A request's header section: what a server reads of it, and what it answers a page of elsewhere.
enum HeaderSection {
    /// Names that mean something; any other is one that does not.
    private static let names = [
        ":method", ":path", ":authority", "host", "content-type", "grpc-encoding",
        "grpc-accept-encoding", "grpc-timeout", "origin", "access-control-request-method",
        "access-control-request-headers", "x-other", "x-other-bin",
    ]

    /// Fields, each a byte for the name, one for the value's length, and the value.
    @Sendable static func check(_ input: [UInt8]) {
        var block = HeaderBlock()
        var rest = input[...]
        while let name = rest.popFirst(), let count = rest.popFirst() {
            let value = Array(rest.prefix(Int(count)))
            rest = rest.dropFirst(value.count)
            block.append(
                name: Array(names[Int(name) % names.count].utf8).span, value: value.span)
        }
        let head = RequestHead(block)
        precondition(head.path.upperBound <= block.storage.count)
        if let timeout = head.timeout {
            _ = Timeout.parse(block.storage.span.extracting(timeout))
        }
        _ = Metadata(block)["x-other"]
        check(WebOrigins(), block, isListed: { _ in false })
        guard let everyone = try? WebOrigins(["*"]), let one = try? WebOrigins(["https://a.b:1"])
        else { preconditionFailure("origins that are in order are refused") }
        check(everyone, block, isListed: { _ in true })
        check(one, block, isListed: { $0 == Array("https://a.b:1".utf8) })
    }

    private static func check(
        _ origins: WebOrigins, _ block: HeaderBlock, isListed: ([UInt8]) -> Bool
    ) {
        guard let allowed = origins.allowed(block) else { return }
        precondition(isListed(allowed.bytes), "an origin was allowed that nobody listed")
        precondition(Array(block.value(of: "origin") ?? []) == allowed.bytes)
        let answer = allowed.preflight(asking: block)
        precondition(
            answer.value(of: "access-control-allow-origin").map(Array.init) == allowed.bytes)
        precondition(
            answer.value(of: "access-control-allow-headers").map(Array.init)
                == block.value(of: "access-control-request-headers").map(Array.init))
    }
}
