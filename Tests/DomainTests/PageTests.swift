import Domain
import Testing

@Suite("PageRequest")
struct PageTests {
    private typealias Request = PageRequest<IdentifierKind.Service>

    static let scope = EnvironmentID(high: 1, low: 2).bytes
    static let ids = (1...5).map { ServiceID(high: 9, low: $0) }

    private func request(
        size: Int32 = 2, token: String = "", scope: [UInt8]? = scope
    ) -> (page: Request, fields: [String]) {
        var violations = FieldViolations()
        let page = Request(size: size, token: token, scope: scope, violations: &violations)
        return (page, violations.isEmpty ? [] : violations.problem.violations.map(\.field))
    }

    @Test(
        "a size of 0 is the usual one, too large a one is lowered, a negative one refused",
        arguments: [
            (0, PageLimits.sizeDefault, 0), (1, 1, 0), (200, 200, 0), (201, 200, 0),
            (Int32.max, 200, 0), (-1, PageLimits.sizeDefault, 1),
        ])
    func sizes(_ wish: Int32, _ size: Int, _ violations: Int) {
        let (page, fields) = request(size: wish)
        #expect(page.size == size)
        #expect(page.fetchCount == size + 1)
        #expect(fields == Array(repeating: "page_size", count: violations))
    }

    @Test("a page's token leads to what comes after it, and the last page has none")
    func tokens() {
        let first = request().page.page(
            of: Array(Self.ids.prefix(3)), scope: Self.scope, id: \.self)
        #expect(first.elements == Array(Self.ids.prefix(2)))
        let (next, fields) = request(token: first.nextToken)
        #expect(fields == [])
        #expect(next.after == Self.ids[1])
        #expect(next.page(of: [Self.ids[2]], scope: Self.scope, id: \.self).nextToken == "")
    }

    @Test("a token of another list, cut or made up is refused")
    func foreignTokens() {
        let token = request().page.page(of: Self.ids, scope: Self.scope, id: \.self).nextToken
        let other = EnvironmentID(high: 1, low: 3).bytes
        #expect(request(token: token, scope: other).fields == ["page_token"])
        #expect(request(token: String(token.dropLast())).fields == ["page_token"])
        #expect(request(token: token + "0").fields == ["page_token"])
        #expect(request(token: "x").fields == ["page_token"])
    }

    @Test("nothing is said of a token when it is not known which list is meant")
    func unknownList() {
        let token = request().page.page(of: Self.ids, scope: Self.scope, id: \.self).nextToken
        #expect(request(token: token, scope: nil).fields == [])
        #expect(request(size: -1, token: token, scope: nil).fields == ["page_size"])
    }
}
