import Testing

@testable import AgentCore

@Suite struct ControlPlaneAddressTests {
    @Test(
        "reads addresses with their default ports",
        arguments: [
            ("https://berth.example:7443", "https://berth.example:7443"),
            ("https://berth.example", "https://berth.example:443"),
            ("http://127.0.0.1:7070/", "http://127.0.0.1:7070"),
            ("http://localhost", "http://localhost:80"),
            ("https://[::1]:7443", "https://[::1]:7443"),
        ])
    func reads(text: String, meant: String) {
        #expect(ControlPlaneAddress(text)?.description == meant)
    }

    @Test(
        "refuses what is no address",
        arguments: [
            "", "berth.example", "ftp://berth.example", "https://", "https://user@berth.example",
            "https://berth.example/path", "https://berth.example:0", "https://berth.example:x",
            "https://::1", "https://[::1", "https://a b",
        ])
    func refuses(text: String) {
        #expect(ControlPlaneAddress(text) == nil)
    }

    @Test("without TLS only this machine is safe")
    func safety() {
        #expect(ControlPlaneAddress("http://127.0.0.1:1")?.isSafe == true)
        #expect(ControlPlaneAddress("http://localhost:1")?.isSafe == true)
        #expect(ControlPlaneAddress("http://[::1]:1")?.isSafe == true)
        #expect(ControlPlaneAddress("http://10.0.0.1:1")?.isSafe == false)
        #expect(ControlPlaneAddress("http://localhost.example:1")?.isSafe == false)
        #expect(ControlPlaneAddress("https://10.0.0.1:1")?.isSafe == true)
    }
}
