/// Which part of a list a caller asks for.
///
/// Lists are ordered by id, newest first; a token names the last id of the page before and the
/// scope it was made for, so that it cannot be carried to another list.
public struct PageRequest<Kind>: Hashable, Sendable {
    /// How many rows at most, from 1 to ``PageLimits/sizeMax``.
    public let size: Int
    /// The last id of the page before; `nil` for the first page.
    public let after: Identifier<Kind>?

    /// Reads a page request, noting what is wrong with it.
    ///
    /// - Parameters:
    ///   - size: The caller's wish; 0 means ``PageLimits/sizeDefault``, more than
    ///     ``PageLimits/sizeMax`` is lowered to it, a negative one is a violation.
    ///   - token: The token of the page before, or empty.
    ///   - scope: The sixteen bytes of the id that the list belongs to; `nil` when the request does
    ///     not say which list it means: then nothing can be said of its token.
    public init(
        size: Int32, token: String, scope: [UInt8]?, violations: inout FieldViolations
    ) {
        if size < 0 { violations.add("page_size", "must not be negative") }
        self.size = size <= 0 ? PageLimits.sizeDefault : min(Int(size), PageLimits.sizeMax)
        guard let scope, !token.isEmpty else {
            after = nil
            return
        }
        after = PageRequest.parse(token, scope: scope)
        if after == nil {
            violations.add("page_token", "must be a next_page_token of this same list")
        }
    }

    /// How many rows to read: one more than shown tells whether there is a next page.
    public var fetchCount: Int { size + 1 }

    /// Cuts the rows read down to the page, with the token of the next when there is one.
    public func page<Element>(
        of rows: [Element], scope: [UInt8], id: (Element) -> Identifier<Kind>
    ) -> Page<Element> {
        let shown = Array(rows.prefix(size))
        guard rows.count > size, let last = shown.last else {
            return Page(elements: shown, nextToken: "")
        }
        return Page(elements: shown, nextToken: PageRequest.token(after: id(last), scope: scope))
    }

    private static func token(after last: Identifier<Kind>, scope: [UInt8]) -> String {
        Hexadecimal.text(scope + last.bytes)
    }

    private static func parse(_ token: String, scope: [UInt8]) -> Identifier<Kind>? {
        guard token.utf8.count == 2 * (scope.count + 16),
            let bytes = Hexadecimal.bytes(token), Array(bytes.prefix(scope.count)) == scope
        else { return nil }
        return Identifier(bytes: Array(bytes.suffix(16)))
    }
}

/// The limits of every list.
public enum PageLimits {
    /// The rows of a page when the caller does not say.
    public static let sizeDefault = 50
    /// The rows of a page at most.
    public static let sizeMax = 200
}

/// One page of a list.
public struct Page<Element> {
    /// The rows, in order.
    public let elements: [Element]
    /// The token of the next page; empty when this is the last.
    public let nextToken: String

    /// Makes a page.
    public init(elements: [Element], nextToken: String) {
        self.elements = elements
        self.nextToken = nextToken
    }

    /// The same page with other elements.
    public func map<Other>(_ transform: (Element) throws -> Other) rethrows -> Page<Other> {
        Page<Other>(elements: try elements.map(transform), nextToken: nextToken)
    }
}
