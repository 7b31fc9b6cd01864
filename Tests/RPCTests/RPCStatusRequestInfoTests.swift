import Messages
import StandardMessages
import Testing

@testable import RPC

/// The id of a call in the details of its status.
@Suite struct RPCStatusRequestInfoTests {
    private static func decoded(_ details: [UInt8]) throws -> GoogleRPC.Status {
        try Wire.decode(GoogleRPC.Status.self, from: details)
    }

    private static func requestID(in status: GoogleRPC.Status) throws -> String? {
        for detail in status.details {
            if let info = try detail.unpacked(as: GoogleRPC.RequestInfo.self) {
                return info.requestID
            }
        }
        return nil
    }

    @Test("a status without details gets some that repeat its code and message")
    func withoutDetails() throws {
        let told = RPCStatus(.notFound, "no “service” 100%").naming("id-1", limits: ServerLimits())
        #expect(told.code == .notFound)
        #expect(told.message == "no “service” 100%")
        let status = try Self.decoded(told.details)
        #expect(status.code == 5)
        #expect(status.message == "no “service” 100%")
        #expect(status.details.count == 1)
        #expect(try Self.requestID(in: status) == "id-1")
    }

    @Test("the id stands behind the details that a status has")
    func behindOthers() throws {
        var violation = GoogleRPC.BadRequest.FieldViolation()
        violation.field = "name"
        var badRequest = GoogleRPC.BadRequest()
        badRequest.fieldViolations = [violation]
        var status = GoogleRPC.Status()
        status.code = 3
        status.message = "name: is empty"
        status.details = [try GoogleProtobuf.AnyMessage(packing: badRequest)]
        let told = RPCStatus(.invalidArgument, "name: is empty", details: try Wire.encode(status))
            .naming("id-2", limits: ServerLimits())
        let read = try Self.decoded(told.details)
        #expect(read.code == 3)
        #expect(read.message == "name: is empty")
        #expect(read.details.count == 2)
        #expect(read.details.first == status.details.first)
        #expect(try Self.requestID(in: read) == "id-2")
    }

    @Test("a long message stands in the details as cut as in grpc-message, since clients compare")
    func longMessage() throws {
        var limits = ServerLimits()
        limits.statusMessageBytesMax = 10
        let told = RPCStatus(.internal, "ééééééé").naming("id-3", limits: limits)
        #expect(try Self.decoded(told.details).message == "é")
    }

    @Test("details that leave no room for the id stay as they are")
    func noRoom() throws {
        var limits = ServerLimits()
        limits.statusDetailsBytesMax = 20
        let status = RPCStatus(.aborted, "enough", details: [8, 10])
        #expect(status.naming("id-4", limits: limits) == status)
    }

    @Test("every error of a call names the id that its log line has, whoever made it")
    func everyError() async throws {
        try await withEcho { server, client in
            struct Unknown: Error {}
            let errors: [any Error] = [
                RPCStatus(.notFound, "none"), RPCStatus(.ok, "no error"), Unknown(),
                CancellationError(),
            ]
            for error in errors {
                var requestID: String?
                server.onUnary = { _, context in
                    requestID = context.requestID
                    throw error
                }
                let call = try await client.unary("/test.Echo/Unary")
                let text = try #require(call.trailer("grpc-status-details-bin"))
                let bytes = try #require(MetadataBase64.decode(Array(text.utf8)[...]))
                let status = try Self.decoded(bytes)
                #expect(try Self.requestID(in: status) == requestID)
                #expect(UInt8(status.code) == call.status?.rawValue)
                #expect(status.message == call.message ?? "")
            }
        }
    }

    @Test("a call that went well has no details")
    func success() async throws {
        try await withEcho { _, client in
            let call = try await client.unary("/test.Echo/Unary")
            #expect(call.status == .ok)
            #expect(call.trailer("grpc-status-details-bin") == nil)
        }
    }
}
