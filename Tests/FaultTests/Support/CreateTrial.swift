import BerthMessages
import EventLoops
import Messages
import RPC
import Testing

/// One create call that meets a fault, and what must hold afterwards whatever the fault was.
struct CreateTrial {
    let stage: Stage
    /// Tells the trial apart from the others of its database.
    let number: Int
    /// Named in failures.
    let label: String

    typealias Response = BerthV1.CreateDatabaseServiceResponse
    private static let method = BerthV1.ServiceServiceMethods.createDatabaseService

    private var name: String { "db \(number)" }
    private var requestID: String { "request-\(number)" }

    /// Calls once.
    func begin(_ client: CallingClient, timeout: Duration? = nil) throws -> OutgoingCall {
        var request = BerthV1.CreateDatabaseServiceRequest()
        request.environmentID = stage.tenant.environmentID
        request.name = name
        request.templateID = "postgres"
        request.serverID = stage.tenant.serverID
        request.deployNow = true
        request.requestID = requestID
        return try client.begin(
            CreateTrial.method, request, token: stage.tenant.token, timeout: timeout)
    }

    /// All rows or none, as the caller was told; and the same request again ends in one service,
    /// always with the same answer.
    ///
    /// - Parameter mayBeSilent: Whether the call may have ended without a status: its caller gave it
    ///   up, or berthd is gone.
    /// - Returns: What the call itself has left.
    @discardableResult
    func verify(
        _ answer: Answer, _ client: CallingClient, mayBeSilent: Bool = false
    ) async throws -> CreatedRows {
        try await stage.proxy.settle()
        let rows = try await countRows()
        switch answer.code {
        case .ok:
            #expect(rows == .all, "\(label): \(answer)")
        case .unavailable where answer.saysNothingWasWritten,
            .aborted where answer.saysNothingWasWritten:
            #expect(rows == .none, "\(label): \(answer)")
        case nil where mayBeSilent, .unknown, .deadlineExceeded:
            #expect(rows == .none || rows == .all, "\(label): \(answer)")
            #expect(!answer.saysNothingWasWritten, "\(label): \(answer)")
        default:
            Issue.record("\(label): \(answer)")
        }
        let second = try await callUntilAnswered(client)
        #expect(try await countRows() == .all, "\(label), again")
        let third = try await callUntilAnswered(client)
        #expect(try await countRows() == .all, "\(label), again and again")
        #expect(second == third, "\(label)")
        if answer.code == .ok {
            let first = try answer.message(Response.self)
            #expect(first == second, "\(label)")
        }
        return rows
    }

    /// Counts what the create has left.
    func countRows() async throws -> CreatedRows {
        var rows: CreatedRows?
        // While a cluster recovers, nobody can look.
        try await stage.eventually {
            rows = try? await CreatedRows.count(
                name: name, requestID: requestID, stage.direct)
            return rows != nil
        }
        return rows ?? .none
    }

    /// Calls until berthd answers with OK, as a patient caller does.
    @discardableResult
    func callUntilAnswered(_ client: CallingClient) async throws -> Response {
        let end = Instant.now().advanced(by: .seconds(60))
        while true {
            let answer = try await begin(client).end()
            if answer.code == .ok { return try answer.message(Response.self) }
            guard CreateTrial.mayPass(answer), Instant.now() < end else {
                throw NotAnswered(label: label, answer: answer)
            }
            try await stage.reactor.sleep(for: .milliseconds(2))
        }
    }

    private static func mayPass(_ answer: Answer) -> Bool {
        switch answer.code {
        case .unavailable, .unknown, .aborted: true
        default: false
        }
    }

    /// The same request again got something else than an OK in the end.
    struct NotAnswered: Error {
        let label: String
        let answer: Answer
    }
}
