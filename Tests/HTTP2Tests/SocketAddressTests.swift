import Testing

@testable import HTTP2

@Suite struct SocketAddressTests {
    @Test(
        "reads addresses in numbers and says them back",
        arguments: [
            ("127.0.0.1:7070", "127.0.0.1:7070"), ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::1]:65535", "[::1]:65535"), ("[::]:80", "[::]:80"),
            ("[2001:db8::17]:443", "[2001:db8::17]:443"), ("localhost:1", "127.0.0.1:1"),
        ])
    func reads(text: String, said: String) {
        #expect(SocketAddress(text)?.description == said)
    }

    @Test(
        "refuses what is no address in numbers",
        arguments: [
            "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
            "[127.0.0.1]:80", "[::1]", "example.org:80", "1.2.3:80", "256.0.0.1:80", "[::1:80",
        ])
    func refuses(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test("knows which addresses only this machine reaches")
    func loopback() {
        let isLoopback = ["127.8.9.1:1", "[::1]:1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1"].map {
            SocketAddress($0)?.isLoopback
        }
        #expect(isLoopback == [true, true, false, false, false])
    }
}
