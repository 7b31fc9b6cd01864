@testable import RPC

/// The values of `content-type` and `grpc-accept-encoding`.
enum ContentType {
    /// The whole input is the value.
    @Sendable static func check(_ input: [UInt8]) {
        let content = RequestHead.content(input.span)
        let text = String(decoding: input, as: Unicode.ASCII.self)
        switch content {
        case .grpc: requireType(text, "application/grpc")
        case .web: requireType(text, "application/grpc-web")
        case .webText: requireType(text, "application/grpc-web-text")
        case .otherCodec(let dialect):
            precondition(text.hasPrefix("application/grpc") && text.contains("+"))
            precondition(text.hasPrefix("application/grpc-web") == (dialect != .grpc))
        case .other:
            for type in ["application/grpc", "application/grpc-web", "application/grpc-web-text"] {
                precondition(text != type && text != type + "+proto", "a type is not known")
            }
        }
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            name.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
        }
        precondition(
            RequestHead.listsGzip(input.span) == names.contains { $0.elementsEqual("gzip") })
    }

    /// After the type come its codec, parameters or nothing.
    private static func requireType(_ text: String, _ type: String) {
        precondition(text.hasPrefix(type))
        let rest = text.dropFirst(type.count)
        precondition(
            rest.isEmpty || rest == "+proto" || rest.hasPrefix("+proto;") || rest.hasPrefix(";")
                || rest.hasPrefix(" "), "another type was taken for \(type)")
    }
}
