import Messages
import StandardMessages

/// `grpc.reflection.v1.ServerReflection` and the same as v1alpha: tells tools such as grpcurl which
/// services there are and how their messages look.
public final class ReflectionService {
    private let index: DescriptorIndex
    private let streams: AnonymousStreams
    private unowned var router: Router?

    /// Makes a service over the descriptors of the same build.
    ///
    /// - Parameters:
    ///   - fileDescriptorSet: A serialized `google.protobuf.FileDescriptorSet` with every file that the
    ///     services need, imports included.
    ///   - streams: Bounds the calls that ask, for anyone may.
    /// - Throws: ``MalformedDescriptor``.
    public init(
        fileDescriptorSet: [UInt8], streams: AnonymousStreams = AnonymousStreams()
    ) throws(MalformedDescriptor) {
        self.streams = streams
        index = try DescriptorIndex(fileDescriptorSet)
    }

    /// Answers both versions from `router`, and lists the services registered there.
    public func register(on router: Router) {
        self.router = router
        router.register(GRPCReflectionV1.ServerReflectionMethods.serverReflectionInfo) {
            requests,
            responses,
            context in
            context.changesNothing = true
            try self.streams.enter(context)
            defer { self.streams.leave(context) }
            var sent = SentFiles()
            while let request = try await self.streams.next(of: requests) {
                let answer = self.answer(request.messageRequest?.question, &sent)
                try await responses.write(.init(answer, to: request))
            }
        }
        router.register(GRPCReflectionV1Alpha.ServerReflectionMethods.serverReflectionInfo) {
            requests,
            responses,
            context in
            context.changesNothing = true
            try self.streams.enter(context)
            defer { self.streams.leave(context) }
            var sent = SentFiles()
            while let request = try await self.streams.next(of: requests) {
                let answer = self.answer(request.messageRequest?.question, &sent)
                try await responses.write(.init(answer, to: request))
            }
        }
    }

    /// The files a stream has had: none is sent twice, unless asked for.
    typealias SentFiles = Set<String>

    func answer(_ question: ReflectionQuestion?, _ sent: inout SentFiles) -> ReflectionAnswer {
        switch question {
        case .file(let name):
            return files(index.files[name], &sent, missing: "unknown file")
        case .symbol(let name):
            return files(index.file(containing: name), &sent, missing: "unknown symbol")
        case .extension(let number, let type):
            return files(
                index.file(containingExtension: number, of: type),
                &sent,
                missing: "unknown extension"
            )
        case .extensionNumbers(let type):
            guard let numbers = index.extensionNumbers(of: type) else {
                return .error(.notFound, "unknown type")
            }
            return .extensionNumbers(type: type, numbers)
        case .services: return .services(services)
        case nil: return .error(.invalidArgument, "message_request is not set")
        }
    }

    /// The services with a method in the router, sorted.
    private var services: [String] {
        let names = (router?.paths ?? []).compactMap { path in
            path.dropFirst().split(separator: "/").first.map(String.init)
        }
        return Set(names).sorted()
    }

    /// The file and, behind it, what it imports and was not sent before.
    private func files(
        _ file: DescriptorIndex.File?,
        _ sent: inout SentFiles,
        missing: String
    ) -> ReflectionAnswer {
        guard let file else { return .error(.notFound, missing) }
        sent.insert(file.name)
        var files = [file.bytes]
        var queue = file.dependencies
        while let name = queue.popLast() {
            guard let dependency = index.files[name], sent.insert(name).inserted else { continue }
            files.append(dependency.bytes)
            queue.append(contentsOf: dependency.dependencies)
        }
        return .files(files)
    }
}

/// What a client asks, whichever version it speaks.
enum ReflectionQuestion: Equatable {
    case file(String)
    case symbol(String)
    case `extension`(Int32, of: String)
    case extensionNumbers(of: String)
    case services
}

/// What it is answered.
enum ReflectionAnswer: Equatable {
    case files([[UInt8]])
    case extensionNumbers(type: String, [Int32])
    case services([String])
    case error(StatusCode, String)
}
