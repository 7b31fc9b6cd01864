import HTTP2

@testable import RPC

/// What is given as `--web-origin`.
enum OriginList {
    /// The whole input is one origin; what is accepted must be found again, and no other with it.
    @Sendable static func check(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        guard let origins = try? WebOrigins([text]), text != "*" else { return }
        precondition(allows(origins, Array(text.lowercased().utf8)), "an origin is not found again")
        precondition(!allows(origins, Array("https://other.example".utf8) + input))
        precondition(!allows(origins, []))
    }

    private static func allows(_ origins: WebOrigins, _ origin: [UInt8]) -> Bool {
        var block = HeaderBlock()
        block.append(name: Array("origin".utf8).span, value: origin.span)
        return origins.allowed(block) != nil
    }
}
