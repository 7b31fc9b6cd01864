import Foundation
import Testing

/// Use cases whose files open a session after a transaction: what fails there could be told to a
/// caller whose change is done.
@Suite struct CommitOrderTests {
    /// Those that may, and why.
    static let excepted = [
        // Serve an agent's stream, which asks again whatever it is told.
        "AgentGateway.swift", "AgentStream.swift", "ClaimWork.swift",
        // Reads before its transaction, in a function of its own; its errors say what is certain.
        "ReplayCreateRequest.swift",
    ]

    @Test(
        "no use case of a caller opens a session in a file after a transaction",
        arguments: [
            "Agents", "Config", "Deployments", "Services",
        ])
    func order(module: String) throws {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appending(path: "Sources/\(module)")
        var looked = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where name.hasSuffix(".swift") && !Self.excepted.contains(name) {
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            looked += 1
            guard let transaction = text.firstRange(of: ".inTransaction {") else { continue }
            let rest = text[transaction.upperBound...]
            // A file of several calls, each in a function of its own, starts anew with each.
            let body =
                rest.firstRange(of: "\n    public func ").map { rest[..<$0.lowerBound] } ?? rest
            #expect(!body.contains(".inSession {"), "\(module)/\(name)")
        }
        #expect(looked > 3)
    }
}
