import BerthMessages

/// One call of `AgentService.Connect`.
protocol AgentStream: AnyObject {
    /// Sends a message; returns once there is room for another. One caller at a time.
    func send(_ message: AgentV1.ConnectRequest) async throws
    /// Waits for the next message; nil when the control plane ended the stream well.
    func next() async throws -> AgentV1.ConnectResponse?
    /// Ends the stream; whoever waits for it hears that at once.
    func close()
}

/// The way to the control plane.
protocol ControlPlaneLink: AnyObject {
    /// Begins a stream, over a new connection if need be.
    func openStream() async throws -> any AgentStream
}
