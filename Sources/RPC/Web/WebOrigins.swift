import HTTP2

/// The pages that may call the server from a browser though they come from elsewhere (Fetch, "CORS
/// protocol").
public struct WebOrigins: Sendable {
    private var origins: Set<[UInt8]> = []
    private var allowsAll = false

    /// An origin that is none.
    public struct Malformed: Error, CustomStringConvertible {
        /// What was given.
        public let text: String
        /// Says what an origin looks like.
        public var description: String {
            "'\(text)' is no origin: write scheme://host or scheme://host:port, or * for every page"
        }
    }

    /// No page from elsewhere.
    public init() {}

    /// Those pages.
    ///
    /// - Parameter texts: Origins as browsers write them, such as `https://app.example` or
    ///   `http://localhost:3000`; `*` allows every page.
    /// - Throws: ``Malformed``.
    public init(_ texts: [String]) throws(Malformed) {
        for text in texts {
            if text == "*" {
                allowsAll = true
                continue
            }
            let lower = text.lowercased()
            guard let range = WebOrigins.hostRange(lower), !range.isEmpty else {
                throw Malformed(text: text)
            }
            origins.insert(Array(lower.utf8))
        }
    }

    /// How long a browser may keep the answer to a preflight, in seconds.
    static let preflightSeconds = 7200

    /// Whether any page from elsewhere is allowed.
    var isEmpty: Bool { origins.isEmpty && !allowsAll }

    /// The origin that a request names, when it is allowed.
    func allowed(_ block: HeaderBlock) -> AllowedOrigin? {
        guard !isEmpty, let origin = block.value(of: "origin"), !origin.isEmpty else { return nil }
        guard allowsAll || origins.contains(Array(origin)) else { return nil }
        return AllowedOrigin(bytes: Array(origin))
    }

    /// Where the host lies in `scheme://host:port`, or nil when the text is something else.
    private static func hostRange(_ text: String) -> Range<String.UTF8View.Index>? {
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
            let host = text.utf8.dropFirst(scheme.utf8.count)
            let isPlain = host.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "["),
                    UInt8(ascii: "]"):
                    true
                default: false
                }
            }
            return isPlain ? host.startIndex..<host.endIndex : nil
        }
        return nil
    }
}

/// The origin of a page that may read the response.
struct AllowedOrigin: Equatable {
    let bytes: [UInt8]

    /// Adds what lets the page read the response.
    func append(to block: inout HeaderBlock) {
        block.append("access-control-allow-origin", bytes)
        block.append("vary", "origin")
        block.append(
            "access-control-expose-headers",
            "grpc-status,grpc-message,grpc-status-details-bin")
    }

    /// The answer to a browser's question whether the page may call.
    func preflight(asking request: HeaderBlock) -> HeaderBlock {
        var block = HeaderBlock()
        block.append(":status", "204")
        block.append("access-control-allow-origin", bytes)
        block.append("vary", "origin, access-control-request-headers")
        block.append("access-control-allow-methods", "POST")
        // Metadata is the caller's own: whatever names it asks for are allowed.
        if let names = request.value(of: "access-control-request-headers") {
            block.append("access-control-allow-headers", names)
        }
        block.append(
            "access-control-max-age", Array(String(WebOrigins.preflightSeconds).utf8))
        return block
    }
}

extension HeaderBlock {
    /// The value of the first field of that name; for names that no token stands for.
    func value(of name: StaticString) -> ArraySlice<UInt8>? {
        for field in fields where storage.span.extracting(field.name).equals(name) {
            return storage[field.value]
        }
        return nil
    }
}
