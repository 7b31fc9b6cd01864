import BerthMessages
import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

@Suite struct ReflectionServiceTests {
    private let index: DescriptorIndex

    init() throws { index = try DescriptorIndex(BerthDescriptors.fileDescriptorSet) }

    @Test(
        "finds the file of services, methods, messages, fields, enums and their values",
        arguments: [
            "grpc.health.v1.Health", "grpc.health.v1.Health.Check",
            "grpc.health.v1.HealthCheckRequest", "grpc.health.v1.HealthCheckRequest.service",
            "grpc.health.v1.HealthCheckResponse.ServingStatus",
            "grpc.health.v1.HealthCheckResponse.SERVING",
        ])
    func symbols(symbol: String) {
        #expect(index.file(containing: symbol)?.name == "grpc/health/v1/health.proto")
    }

    @Test(
        "does not find what is not there",
        arguments: ["", "grpc", "Health", ".grpc.health.v1.Health", "grpc.health.v1.Health.check"])
    func unknownSymbols(symbol: String) {
        #expect(index.file(containing: symbol) == nil)
    }

    @Test("extensions are found by type and number")
    func extensions() throws {
        // file { name: "e.proto" package: "e" message_type { name: "M" }
        //   extension { name: "x" extendee: ".e.M" number: 150 } }
        let message = field(4, field(1, "M"))
        let declared = field(7, field(1, "x") + field(2, ".e.M") + [0x18, 0x96, 0x01])
        let index = try DescriptorIndex(
            field(1, declared + message + field(1, "e.proto") + field(2, "e")))
        #expect(index.file(containingExtension: 150, of: "e.M")?.name == "e.proto")
        #expect(index.file(containingExtension: 151, of: "e.M") == nil)
        #expect(index.extensionNumbers(of: "e.M") == [150])
        #expect(index.extensionNumbers(of: "e.N") == nil)
        #expect(index.file(containing: "e.x")?.name == "e.proto")
    }

    @Test("a set that is cut anywhere is refused or read, never a crash")
    func truncated() {
        let set = BerthDescriptors.fileDescriptorSet
        var refused = 0
        for count in stride(from: 0, to: set.count, by: 211) {
            do { _ = try DescriptorIndex(Array(set.prefix(count))) } catch { refused += 1 }
        }
        #expect(refused > 0)
    }

    private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(content.count)] + content
    }
    private func field(_ number: UInt8, _ text: String) -> [UInt8] {
        field(number, Array(text.utf8))
    }

    @Test("a stream is answered question by question, each file's imports sent once")
    func answers() throws {
        let service = try ReflectionService(fileDescriptorSet: BerthDescriptors.fileDescriptorSet)
        let router = Router()
        service.register(on: router)
        var sent = ReflectionService.SentFiles()
        #expect(
            service.answer(.services, &sent)
                == .services([
                    "grpc.reflection.v1.ServerReflection",
                    "grpc.reflection.v1alpha.ServerReflection",
                ]))
        let symbol = "berth.controlplane.v1.ServiceService"
        guard case .files(let first) = service.answer(.symbol(symbol), &sent),
            case .files(let second) = service.answer(.symbol(symbol), &sent)
        else {
            Issue.record("no files")
            return
        }
        #expect(first.count > 1)
        #expect(second == [first[0]])
        #expect(service.answer(.symbol("no.Such"), &sent) == .error(.notFound, "unknown symbol"))
        #expect(service.answer(.file("no.proto"), &sent) == .error(.notFound, "unknown file"))
        #expect(
            service.answer(.extension(1, of: "no.Such"), &sent)
                == .error(.notFound, "unknown extension"))
        #expect(
            service.answer(.extensionNumbers(of: "grpc.health.v1.HealthCheckRequest"), &sent)
                == .extensionNumbers(type: "grpc.health.v1.HealthCheckRequest", []))
        #expect(
            service.answer(nil, &sent) == .error(.invalidArgument, "message_request is not set"))
    }

    @Test(
        "both versions answer over the wire and repeat the request", arguments: ["v1", "v1alpha"])
    func overTheWire(version: String) async throws {
        try await withEcho { server, client in
            let service = try ReflectionService(
                fileDescriptorSet: BerthDescriptors.fileDescriptorSet)
            service.register(on: server.router)
            let call = try client.begin(
                "/grpc.reflection.\(version).ServerReflection/ServerReflectionInfo")
            let request = GRPCReflectionV1.ServerReflectionRequest.with {
                $0.host = "h"
                $0.messageRequest = .fileByFilename("grpc/health/v1/health.proto")
            }
            call.sendRaw(MessageFrame.bytes(try Wire.encode(request)))
            try await call.until { call.frames.count == 1 }
            let response = try Wire.decode(
                GRPCReflectionV1.ServerReflectionResponse.self,
                from: #require(call.frames.first).bytes)
            #expect(response.validHost == "h")
            #expect(response.originalRequest == request)
            guard case .fileDescriptorResponse(let files) = response.messageResponse else {
                Issue.record("no files")
                return
            }
            #expect(files.fileDescriptorProto.count == 1)
            call.end()
            try await call.finished()
            #expect(call.status == .ok)
        }
    }
}
