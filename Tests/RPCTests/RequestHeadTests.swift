import HTTP2
import Testing

@testable import RPC

@Suite struct RequestHeadTests {
    @Test(
        "content types",
        arguments: [
            ("application/grpc", RequestHead.Content.grpc), ("application/grpc+proto", .grpc),
            ("application/grpc;charset=utf-8", .grpc), ("application/grpc+proto; a=b", .grpc),
            ("application/grpc+json", .otherCodec(.grpc)),
            ("application/grpc+protox", .otherCodec(.grpc)),
            ("application/grpc-web", .web), ("application/grpc-web+proto", .web),
            ("application/grpc-web-text", .webText), ("application/grpc-web-text+proto", .webText),
            ("application/grpc-web+json", .otherCodec(.web)),
            ("application/grpc-web-text+json", .otherCodec(.webText)),
            ("application/grpc-webx", .other),
            ("application/grpc-web-texty", .other), ("application/grpcx", .other),
            ("application/json", .other), ("", .other), ("Application/grpc", .other),
        ])
    func content(text: String, content: RequestHead.Content) {
        #expect(RequestHead.content(Array(text.utf8).span) == content)
    }

    @Test(
        "lists of encodings",
        arguments: [
            ("gzip", true), ("identity,deflate,gzip", true), ("identity, gzip ,x", true),
            ("identity", false), ("xgzip", false), ("gzip;q=0", false), ("", false), (",", false),
        ])
    func listsGzip(list: String, lists: Bool) {
        #expect(RequestHead.listsGzip(Array(list.utf8).span) == lists)
    }

    @Test("two different authorities are noticed, two equal ones are not")
    func authorities() {
        var block = HeaderBlock()
        block.append(":authority", "a")
        block.append("host", "a")
        #expect(!RequestHead(block).hasTwoAuthorities)
        block.append("host", "b")
        #expect(RequestHead(block).hasTwoAuthorities)
    }
}
