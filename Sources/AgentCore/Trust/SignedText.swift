/// What a signature of the protocol is made over.
enum SignedText {
    /// The name of what the control plane signs.
    static let job = "berth.agent.v1.Job"
    /// The name of what an agent signs.
    static let report = "berth.agent.v1.Report"

    /// The name, a zero byte, the payload: so that nothing signed as one can pass for the other.
    static func of(_ name: String, _ payload: [UInt8]) -> [UInt8] {
        Array(name.utf8) + [0] + payload
    }
}
