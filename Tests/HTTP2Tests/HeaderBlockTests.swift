import Testing

@testable import HTTP2

@Suite struct HeaderBlockTests {
    @Test(
        "each known name has its own token",
        arguments: [
            (":method", HeaderToken.method), (":path", .path), (":scheme", .scheme),
            (":authority", .authority), (":status", .status), (":protocol", .otherPseudo),
            ("content-type", .contentType), ("content-length", .contentLength), ("te", .te),
            ("host", .host), ("user-agent", .userAgent), ("authorization", .authorization),
            ("accept-encoding", .acceptEncoding), ("grpc-timeout", .grpcTimeout),
            ("grpc-encoding", .grpcEncoding), ("grpc-accept-encoding", .grpcAcceptEncoding),
            ("grpc-status", .grpcStatus), ("grpc-message", .grpcMessage),
            ("grpc-status-details-bin", .grpcStatusDetails), ("grpc-trace-bin", .grpcReserved),
            ("grpc", .other), ("x-request-id", .other), ("t", .other), ("", .other),
            ("authorizatioN", .other),
        ])
    func tokens(name: String, token: HeaderToken) {
        #expect(HeaderToken(of: Array(name.utf8).span) == token)
    }

    @Test("fields keep their order, values and repetitions")
    func fields() {
        var block = HeaderBlock()
        block.append(":path", "/a")
        block.append("x", "1")
        block.append("te", Array("trailers".utf8))
        block.append("x", "")
        #expect(
            block.fields.map { String(decoding: block.storage[$0.name], as: UTF8.self) }
                == [":path", "x", "te", "x"])
        #expect(
            block.fields.map { String(decoding: block.storage[$0.value], as: UTF8.self) }
                == ["/a", "1", "trailers", ""])
        #expect(block.isFirst(.te, "trailers"))
        #expect(!block.isFirst(.te, "trailer"))
        #expect(!block.isFirst(.host, ""))
        #expect(block.first(.path).map(Array.init) == Array("/a".utf8))
        #expect(block.first(.method) == nil)
        #expect(block.count(of: .other) == 2)
    }

    @Test("the list's size counts 32 bytes for each field")
    func size() {
        var block = HeaderBlock()
        #expect(block.listBytes == 0)
        block.append("abc", "de")
        block.append("f", "")
        #expect(block.listBytes == 5 + 32 + 1 + 32)
        block.removeAll()
        #expect(block.listBytes == 0)
    }
}
